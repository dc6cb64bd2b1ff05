//go:build netgo

package mttranscode

const goResolverByDefault = true
