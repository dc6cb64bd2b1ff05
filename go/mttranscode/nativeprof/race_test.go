//go:build race

package nativeprof_test

const isRace = true
