/* A host that loads and unloads the library by hand while its threads still exist: -z nodelete makes dlclose harmless. */
#include <dlfcn.h>
#include <stdio.h>

#include "mt_transcode/mt_transcode.h"

typedef int32_t new_function(const mt_transcode_engine_config *, mt_transcode_engine **, mt_transcode_error **);
typedef int32_t job_new_function(mt_transcode_engine *, mt_transcode_job **);
typedef int32_t args_function(mt_transcode_job *, int32_t, const char *const *);
typedef int32_t start_function(mt_transcode_job *);
typedef void free_function(mt_transcode_engine *);

/* A pointer to an object is no pointer to a function in ISO C; POSIX says that it is, this way round. */
#define FIND(target, name) (*(void **)&(target) = dlsym(library, name))

static int use(const char *path) {
  const char *args[] = {"-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.2", "-f", "null", "-"};
  new_function *engine_new;
  job_new_function *job_new;
  args_function *set_args;
  start_function *start;
  free_function *engine_free;
  mt_transcode_engine *engine = NULL;
  mt_transcode_job *job = NULL;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    puts(dlerror());
    return 1;
  }
  FIND(engine_new, "mt_transcode_engine_new");
  FIND(job_new, "mt_transcode_job_new");
  FIND(set_args, "mt_transcode_job_set_args");
  FIND(start, "mt_transcode_job_start");
  FIND(engine_free, "mt_transcode_engine_free");
  if (engine_new(NULL, &engine, NULL) != 0 || job_new(engine, &job) != 0) return 1;
  if (set_args(job, 7, args) != 0 || start(job) != 0) return 1;
  engine_free(engine);
  return dlclose(library);
}

int main(int argc, char **argv) {
  for (int i = 0; i < 3; i++) {
    if (argc < 2 || use(argv[1]) != 0) return 1;
  }
  puts("loaded, used and unloaded three times");
  return 0;
}
