#include "bridge.h"

#include "_cgo_export.h"

static int64_t io_read(void *user, uint8_t *buffer, uint64_t size_bytes) {
  return mttranscodeRead((uintptr_t)user, buffer, size_bytes);
}

static int64_t io_write(void *user, const uint8_t *data, uint64_t size_bytes) {
  return mttranscodeWrite((uintptr_t)user, (uint8_t *)data, size_bytes);
}

static int64_t io_seek(void *user, int64_t position_bytes) {
  return mttranscodeSeek((uintptr_t)user, position_bytes);
}

static int64_t io_size(void *user) {
  return mttranscodeSize((uintptr_t)user);
}

static void release(void *user) {
  mttranscodeRelease((uintptr_t)user);
}

int32_t mttranscode_bind_io(mt_transcode_job *job, const char *name, uintptr_t handle, uint32_t can) {
  mt_transcode_io io = {0};
  io.struct_size = sizeof io;
  io.user = (void *)handle;
  if (can & MTTRANSCODE_CAN_READ) io.read = io_read;
  if (can & MTTRANSCODE_CAN_WRITE) io.write = io_write;
  io.seek = io_seek;
  io.size = io_size;
  io.release = release;
  return mt_transcode_job_bind_io(job, name, &io);
}

// A file of a store is a number of Go's, as well.
static int32_t store_open(void *user, const char *name, void **file_out) {
  uintptr_t file = 0;
  int32_t code = mttranscodeStoreOpen((uintptr_t)user, (char *)name, &file);
  if (code == 0) *file_out = (void *)file;
  return code;
}

static int64_t store_write(void *user, void *file, const uint8_t *data, uint64_t size_bytes) {
  return mttranscodeStoreWrite((uintptr_t)user, (uintptr_t)file, (uint8_t *)data, size_bytes);
}

static int64_t store_seek(void *user, void *file, int64_t position_bytes) {
  return mttranscodeStoreSeek((uintptr_t)user, (uintptr_t)file, position_bytes);
}

static int32_t store_close(void *user, void *file, int32_t code) {
  return mttranscodeStoreClose((uintptr_t)user, (uintptr_t)file, code);
}

static int32_t store_remove(void *user, const char *name) {
  return mttranscodeStoreRemove((uintptr_t)user, (char *)name);
}

int32_t mttranscode_bind_store(mt_transcode_job *job, const char *name, uintptr_t handle) {
  mt_transcode_store store = {0};
  store.struct_size = sizeof store;
  store.user = (void *)handle;
  store.open = store_open;
  store.write = store_write;
  store.seek = store_seek;
  store.close = store_close;
  store.remove = store_remove;
  store.release = release;
  return mt_transcode_job_bind_store(job, name, &store);
}
