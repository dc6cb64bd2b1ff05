package mttranscode

import "fmt"

// PanicError is what [Job.Run] and [Job.Wait] panic with where a reader, writer or store of the program's panicked: it did
// so in a goroutine of this package's, which nobody could recover. The job was cancelled.
type PanicError struct {
	// Value is what the program's code panicked with.
	Value any
	// Stack is where it did.
	Stack []byte
	// Raised is the stack of the call of Run or Wait.
	Raised []byte
}

// Error has the value and both stacks.
func (p *PanicError) Error() string {
	return fmt.Sprintf("mt-transcode: a reader, writer or store of this program panicked: %v\n\n%s\nraised again in:\n%s",
		p.Value, p.Stack, p.Raised)
}

// Unwrap gives the value where it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
