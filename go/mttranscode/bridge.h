// Binds Go's callbacks to a job. A handle is a runtime/cgo.Handle: it travels as a number and never as a pointer, which Go's collector
// would look at. It is deleted in mttranscodeRelease, which the library calls exactly once.

#ifndef MTTRANSCODE_BRIDGE_H
#define MTTRANSCODE_BRIDGE_H

#include "library.h"

#define MTTRANSCODE_CAN_READ 1
#define MTTRANSCODE_CAN_WRITE 2

int32_t mttranscode_bind_io(mt_transcode_job *job, const char *name, uintptr_t handle, uint32_t can);
int32_t mttranscode_bind_store(mt_transcode_job *job, const char *name, uintptr_t handle);

#endif
