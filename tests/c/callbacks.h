/* Callbacks of the host's, in memory: an io over bytes, and a store of many files; both can be told to misbehave. */
#ifndef MT_TEST_CALLBACKS_H
#define MT_TEST_CALLBACKS_H

#include <stdatomic.h>

#include "memory.h"

/* How an io misbehaves. */
enum fault {
  FAULT_NONE,
  FAULT_READ_TOO_MUCH,  /* says that it read more than was asked for */
  FAULT_READ_CODE,      /* gives `code` once half of the bytes were read */
  FAULT_WRITE_TOO_MUCH,
  FAULT_WRITE_NOTHING,  /* 0 */
  FAULT_WRITE_CODE,
  FAULT_SEEK_CODE,
  FAULT_SEEK_ELSEWHERE, /* returns a position that was not asked for */
  FAULT_SIZE_CODE,
  FAULT_HANG,           /* a read, or a write, does not return before `let_go` */
};

struct memory_io {
  struct bytes bytes;
  size_t position;
  enum fault fault;
  int32_t code;
  atomic_bool let_go;
  atomic_bool hangs; /* a call is inside */
  atomic_int inside; /* calls at this moment: never above 1 */
  atomic_int overlaps;
  atomic_int calls;
  atomic_int releases;
  atomic_int calls_after_release;
};

/* What to bind: an input over `io->bytes`, an output that writes there. */
mt_transcode_io input_io(struct memory_io *io);
mt_transcode_io output_io(struct memory_io *io);

/* It was released once, was not called then, and never by two threads at once. */
bool test_released(const char *file, int line, struct memory_io *io);
#define CHECK_RELEASED(io) test_released(__FILE__, __LINE__, io)

enum { STORE_FILES = 256, STORE_NAME = 64 };

struct stored_file {
  char name[STORE_NAME];
  struct bytes bytes;
  size_t position;
  struct memory_store *store;
  bool open;
  bool removed;
  int closes;
  int32_t close_code;
};

struct memory_store {
  pthread_mutex_t lock;
  struct stored_file files[STORE_FILES]; /* one for each open; the last one of a name holds */
  int used;
  int removals;
  int missing_removals; /* of names that were not there */
  char bad_name[STORE_NAME]; /* a name that should not come: empty, absolute, with ".." */
  /* To misbehave: what open, the n-th write, close and remove return where this is not 0. */
  int32_t open_code;
  int32_t write_code;
  int32_t close_code;
  int32_t remove_code;
  atomic_int releases;
};

/* A store that begins empty, and what to bind: with seek where it can. */
void begin_store(struct memory_store *store);
mt_transcode_store bound_store(struct memory_store *store, bool can_seek, bool can_remove);

/* The file of this name that was not removed; NULL where there is none. */
const struct stored_file *stored(const struct memory_store *store, const char *name);

/* How many names there are that end with `end`. */
int count_stored(const struct memory_store *store, const char *end);

/* Writes what there is under a folder of the file system, so that it can be probed as files. */
void spill(const struct memory_store *store, const char *folder);

/* It was released once, every file was closed once with `code`, no bad name came. Frees what it has. */
bool test_store_ended(const char *file, int line, struct memory_store *store, int32_t code);
#define CHECK_STORE_ENDED(store, code) test_store_ended(__FILE__, __LINE__, store, code)

#endif
