package mttranscode

import (
	"slices"
	"strings"
)

// withoutValue are options of ffmpeg's that may stand before an output's URL and take no value.
var withoutValue = []string{"-an", "-vn", "-sn", "-dn", "-y", "-n", "-re", "-shortest", "-copyts", "-bitexact", "-nostdin", "-hide_banner"}

// resolveArgs does for a command line what resolve does for a file: for what follows -i or -mt_alternate, and for what can only be an output's URL.
func (n *namer) resolveArgs(args []string) ([]string, error) {
	if n == nil {
		return args, nil
	}
	mixed := areMixed(valuesOf(args, "-i"), valuesOf(args, "-mt_alternate"))
	has := func(key string) bool { return mixed && key == "http_proxy" || slices.Contains(args, "-"+key) }
	changed := make([]string, 0, len(args))
	for i, arg := range args {
		isInput := i > 0 && (args[i-1] == "-i" || args[i-1] == "-mt_alternate")
		if !strings.Contains(arg, "://") || !isInput && !isOutput(args, i) {
			changed = append(changed, arg)
			continue
		}
		url, added, err := n.change(arg, has)
		if err != nil {
			return nil, err
		}
		if isInput {
			changed = changed[:len(changed)-1]
		}
		for _, option := range added {
			changed = append(changed, "-"+option.key, option.value)
		}
		if isInput {
			changed = append(changed, args[i-1])
		}
		changed = append(changed, url)
	}
	return changed, nil
}

func valuesOf(args []string, option string) (values []string) {
	for i, arg := range args[:max(len(args)-1, 0)] {
		if arg == option {
			values = append(values, args[i+1])
		}
	}
	return values
}

// isOutput tells whether an argument is no option's value: it comes first, after a value or a URL, or after an option that is known to take none.
func isOutput(args []string, i int) bool {
	if i == 0 || !strings.HasPrefix(args[i-1], "-") || slices.Contains(withoutValue, args[i-1]) {
		return true
	}
	// A value that begins with a dash, such as that of -stream_loop -1; or the number of a stream.
	return i > 1 && args[i-1] == "-1" && strings.HasPrefix(args[i-2], "-")
}
