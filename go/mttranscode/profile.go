package mttranscode

import "runtime/pprof"

// profileName is where open engines, jobs and pipes are found by pprof.Lookup, net/http/pprof and go tool pprof.
const profileName = "mttranscode"

var profile = pprof.NewProfile(profileName)

// opened is the place of an open engine, job or pipe in the profile. A profile keeps its keys alive, so the key is this
// and not what was opened.
type opened struct{ _ byte }

// profileOpened notes the stack, from the caller on.
func profileOpened() *opened {
	o := new(opened)
	profile.Add(o, 1)
	return o
}

func (o *opened) close() {
	if o != nil {
		profile.Remove(o)
	}
}
