package mttranscode

// #include "library.h"
import "C"

// Input adds an input: what `-i URL` does, with the options that stand before it. Inputs are numbered from 0 in the
// order of these calls.
//
// Errors: [ErrOption] and [ErrUnsupported] name the option, [ErrNotUTF8], [ErrBusy] after the start. When an option
// is refused the input is in the job all the same: give the job up. It never blocks (but see [WithGoResolver]): the file
// is opened by the running job.
func (j *Job) Input(url string, options ...Option) error {
	url, options, err := j.engine.poller.names.resolve(url, options)
	if err != nil {
		return err
	}
	cURL, err := cString(url)
	if err != nil {
		return err
	}
	var input *C.mt_transcode_input
	if err := j.check(C.mt_transcode_job_input_new(j.handle, cURL, &input)); err != nil {
		return err
	}
	defer C.mt_transcode_input_free(input)
	for _, option := range options {
		key, value, err := cPair(option)
		if err != nil {
			return err
		}
		if err := j.check(C.mt_transcode_input_set_option(input, key, value)); err != nil {
			return err
		}
	}
	return j.check(C.mt_transcode_input_commit(input))
}

// Output adds an output: what a file name at the end of an ffmpeg command line does, with the options that stand
// before it. Outputs are numbered from 0 in the order of these calls. An existing file is overwritten unless the job
// has the global option "n".
//
// Errors and blocking: as [Job.Input]. A job that was started takes outputs by [Job.AddOutput].
func (j *Job) Output(url string, options ...Option) error {
	url, options, err := j.engine.poller.names.resolve(url, options)
	if err != nil {
		return err
	}
	cURL, err := cString(url)
	if err != nil {
		return err
	}
	j.startMu.Lock()
	defer j.startMu.Unlock()
	if j.started && !j.closed.Load() {
		return callError(C.int32_t(ErrBusy))
	}
	var output *C.mt_transcode_output
	if err := j.check(C.mt_transcode_job_output_new(j.handle, cURL, &output)); err != nil {
		return err
	}
	defer C.mt_transcode_output_free(output)
	for _, option := range options {
		key, value, err := cPair(option)
		if err != nil {
			return err
		}
		if err := j.check(C.mt_transcode_output_set_option(output, key, value)); err != nil {
			return err
		}
	}
	return j.check(C.mt_transcode_output_commit(output))
}
