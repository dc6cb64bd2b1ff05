#define _GNU_SOURCE
#include "callbacks.h"

#include <stdlib.h>
#include <sys/stat.h>

/* ---- io */

static void enter(struct memory_io *io) {
  atomic_fetch_add(&io->calls, 1);
  if (atomic_fetch_add(&io->inside, 1) != 0) atomic_fetch_add(&io->overlaps, 1);
  if (atomic_load(&io->releases) > 0) atomic_fetch_add(&io->calls_after_release, 1);
}

static int64_t leave(struct memory_io *io, int64_t result) {
  atomic_fetch_sub(&io->inside, 1);
  return result;
}

static void hang(struct memory_io *io) {
  atomic_store(&io->hangs, true);
  while (!atomic_load(&io->let_go)) rest();
}

static int64_t io_read(void *user, uint8_t *buffer, uint64_t size_bytes) {
  struct memory_io *io = user;
  size_t left = io->bytes.size > io->position ? io->bytes.size - io->position : 0;
  enter(io);
  if (io->fault == FAULT_READ_TOO_MUCH) return leave(io, (int64_t)size_bytes + 1);
  if (io->fault == FAULT_READ_CODE) {
    size_t half = io->bytes.size / 2;
    if (io->position >= half) return leave(io, io->code);
    left = half - io->position;
  }
  if (io->fault == FAULT_HANG) hang(io);
  if (left > size_bytes) left = size_bytes;
  if (left > 0) memcpy(buffer, io->bytes.data + io->position, left);
  io->position += left;
  return leave(io, (int64_t)left);
}

/* Writes at the position, over what is there. */
static void put(struct bytes *bytes, size_t *position, const uint8_t *data, size_t size) {
  static const uint8_t zeros[4096];
  size_t over;
  while (bytes->size < *position) {
    size_t gap = *position - bytes->size;
    append(bytes, zeros, gap < sizeof zeros ? gap : sizeof zeros);
  }
  over = bytes->size - *position < size ? bytes->size - *position : size;
  if (over > 0) memcpy(bytes->data + *position, data, over);
  append(bytes, data + over, size - over);
  *position += size;
}

static int64_t io_write(void *user, const uint8_t *data, uint64_t size_bytes) {
  struct memory_io *io = user;
  enter(io);
  if (io->fault == FAULT_WRITE_TOO_MUCH) return leave(io, (int64_t)size_bytes + 1);
  if (io->fault == FAULT_WRITE_NOTHING) return leave(io, 0);
  if (io->fault == FAULT_WRITE_CODE) return leave(io, io->code);
  if (io->fault == FAULT_HANG) hang(io);
  if (size_bytes > 1000) size_bytes = 1000; /* a part is enough */
  put(&io->bytes, &io->position, data, size_bytes);
  return leave(io, (int64_t)size_bytes);
}

static int64_t io_seek(void *user, int64_t position_bytes) {
  struct memory_io *io = user;
  enter(io);
  if (io->fault == FAULT_SEEK_CODE) return leave(io, io->code);
  if (io->fault == FAULT_SEEK_ELSEWHERE) return leave(io, position_bytes + 1);
  if (position_bytes < 0) return leave(io, -EINVAL);
  io->position = (size_t)position_bytes;
  return leave(io, position_bytes);
}

static int64_t io_size(void *user) {
  struct memory_io *io = user;
  enter(io);
  if (io->fault == FAULT_SIZE_CODE) return leave(io, io->code);
  /* What has a size and is small is read at once, and nobody seeks in it. */
  bool must_seek = io->fault == FAULT_SEEK_CODE || io->fault == FAULT_SEEK_ELSEWHERE;
  return leave(io, must_seek ? -ENOSYS : (int64_t)io->bytes.size);
}

static void io_release(void *user) { atomic_fetch_add(&((struct memory_io *)user)->releases, 1); }

mt_transcode_io input_io(struct memory_io *io) {
  return (mt_transcode_io){sizeof(mt_transcode_io), 0, io, io_read, NULL, io_seek, io_size, io_release};
}

mt_transcode_io output_io(struct memory_io *io) {
  return (mt_transcode_io){sizeof(mt_transcode_io), 0, io, NULL, io_write, io_seek, NULL, io_release};
}

static bool was_released(void *io) { return atomic_load(&((struct memory_io *)io)->releases) > 0; }

bool test_released(const char *file, int line, struct memory_io *io) {
  bool ok = eventually(was_released, io);
  ok = test_equal(file, line, "releases", atomic_load(&io->releases), 1) && ok;
  ok = test_equal(file, line, "calls after release", atomic_load(&io->calls_after_release), 0) && ok;
  return test_equal(file, line, "calls at the same time", atomic_load(&io->overlaps), 0) && ok;
}

/* ---- store */

void begin_store(struct memory_store *store) {
  memset(store, 0, sizeof *store);
  pthread_mutex_init(&store->lock, NULL);
}

static struct stored_file *find(struct memory_store *store, const char *name) {
  for (int i = store->used - 1; i >= 0; i--) {
    if (strcmp(store->files[i].name, name) == 0) return store->files[i].removed ? NULL : &store->files[i];
  }
  return NULL;
}

static void note_name(struct memory_store *store, const char *name) {
  bool bad = name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL || strlen(name) >= STORE_NAME;
  if (bad) snprintf(store->bad_name, sizeof store->bad_name, "bad: %.50s", name);
}

static int32_t store_open(void *user, const char *name, void **file_out) {
  struct memory_store *store = user;
  struct stored_file *file = NULL;
  int32_t code = store->open_code;
  pthread_mutex_lock(&store->lock);
  note_name(store, name);
  if (code == 0 && store->used == STORE_FILES) code = -ENOSPC;
  if (code == 0) {
    file = &store->files[store->used++];
    file->store = store;
    file->open = true;
    snprintf(file->name, sizeof file->name, "%.*s", STORE_NAME - 1, name);
    *file_out = file;
  }
  pthread_mutex_unlock(&store->lock);
  return code;
}

static int64_t store_write(void *user, void *file, const uint8_t *data, uint64_t size_bytes) {
  struct memory_store *store = user;
  struct stored_file *stored = file;
  if (store->write_code != 0) return store->write_code;
  put(&stored->bytes, &stored->position, data, size_bytes);
  return (int64_t)size_bytes;
}

static int64_t store_seek(void *user, void *file, int64_t position_bytes) {
  (void)user;
  ((struct stored_file *)file)->position = (size_t)position_bytes;
  return position_bytes;
}

static int32_t store_close(void *user, void *file, int32_t code) {
  struct memory_store *store = user;
  struct stored_file *stored = file;
  pthread_mutex_lock(&store->lock);
  stored->open = false;
  stored->closes++;
  stored->close_code = code;
  pthread_mutex_unlock(&store->lock);
  return store->close_code;
}

static int32_t store_remove(void *user, const char *name) {
  struct memory_store *store = user;
  struct stored_file *file;
  int32_t code = store->remove_code;
  pthread_mutex_lock(&store->lock);
  note_name(store, name);
  store->removals++;
  file = find(store, name);
  if (code == 0 && file == NULL) {
    store->missing_removals++;
    code = -ENOENT;
  }
  if (code == 0) file->removed = true;
  pthread_mutex_unlock(&store->lock);
  return code;
}

static void store_release(void *user) { atomic_fetch_add(&((struct memory_store *)user)->releases, 1); }

mt_transcode_store bound_store(struct memory_store *store, bool can_seek, bool can_remove) {
  mt_transcode_store bound = {sizeof bound, 0, store, store_open, store_write, NULL, store_close, NULL, store_release};
  if (can_seek) bound.seek = store_seek;
  if (can_remove) bound.remove = store_remove;
  return bound;
}

const struct stored_file *stored(const struct memory_store *store, const char *name) {
  return find((struct memory_store *)store, name);
}

static bool ends_with(const char *name, const char *end) {
  size_t length = strlen(name), wanted = strlen(end);
  return length >= wanted && strcmp(name + length - wanted, end) == 0;
}

int count_stored(const struct memory_store *store, const char *end) {
  int count = 0;
  for (int i = 0; i < store->used; i++) {
    const struct stored_file *file = &store->files[i];
    count += ends_with(file->name, end) && stored(store, file->name) == file;
  }
  return count;
}

void spill(const struct memory_store *store, const char *folder) {
  mkdir(folder, 0700);
  for (int i = 0; i < store->used; i++) {
    const struct stored_file *file = &store->files[i];
    char path[1024];
    const char *slash = strchr(file->name, '/');
    if (stored(store, file->name) != file) continue;
    if (slash != NULL) {
      snprintf(path, sizeof path, "%s/%.*s", folder, (int)(slash - file->name), file->name);
      mkdir(path, 0700);
    }
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    write_file(path, file->bytes.data, file->bytes.size);
  }
}

static bool store_was_released(void *store) { return atomic_load(&((struct memory_store *)store)->releases) > 0; }

bool test_store_ended(const char *file, int line, struct memory_store *store, int32_t code) {
  bool ok = eventually(store_was_released, store);
  ok = test_equal(file, line, "releases", atomic_load(&store->releases), 1) && ok;
  ok = (store->bad_name[0] == '\0' || test_fail(file, line, "%s", store->bad_name)) && ok;
  for (int i = 0; i < store->used; i++) {
    ok = test_equal(file, line, "closes", store->files[i].closes, 1) && ok;
    if (i == store->used - 1 || code == 0) ok = test_equal(file, line, "code of close", store->files[i].close_code, code) && ok;
    free_bytes(&store->files[i].bytes);
  }
  pthread_mutex_destroy(&store->lock);
  return ok;
}
