/* remux: copies all streams of a file or URL into another container, without encoding anything.
 *
 *     remux INPUT OUTPUT          the format follows from OUTPUT's name: remux talk.mkv talk.mp4
 *
 * Progress is shown on stderr. Ctrl-C ends the copy in good order: what was copied so far plays. A second Ctrl-C ends it at once.
 *
 *     cc remux.c $(pkg-config --cflags --libs mt_transcode) -o remux
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "mt_transcode/mt_transcode.h"

/* How often Ctrl-C was pressed. The library may not be called from a signal handler: the loop below looks at this instead. */
static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  interrupts++;
}

static void catch_interrupts(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* Says what failed and what to do about it. Frees the error. */
static int complain(int32_t code, mt_transcode_error *error) {
  fprintf(stderr, "remux: %s\n", error != NULL ? error->message : mt_transcode_strerror(code));
  if (error != NULL && error->hint[0] != '\0') fprintf(stderr, "       %s\n", error->hint);
  mt_transcode_error_free(error);
  return 1;
}

static int complain_of_job(int32_t code, const mt_transcode_job *job) {
  mt_transcode_error *error = NULL;
  mt_transcode_job_error(job, &error);
  return complain(code, error);
}

static int32_t describe(mt_transcode_job *job, const char *source, const char *target) {
  mt_transcode_input *input = NULL;
  mt_transcode_output *output = NULL;
  int32_t code = mt_transcode_job_input_new(job, source, &input);
  if (code == 0) code = mt_transcode_job_output_new(job, target, &output);
  if (code == 0) code = mt_transcode_output_set_option(output, "c", "copy");
  if (code == 0) code = mt_transcode_output_set_option(output, "map", "0");
  mt_transcode_input_free(input);
  mt_transcode_output_free(output);
  return code;
}

static void show(const mt_transcode_event *event) {
  switch (event->event_type) {
    case MT_TRANSCODE_EVENT_PROGRESS:
      if (event->percent >= 0) fprintf(stderr, "\r%5.1f %%  ", event->percent);
      fprintf(stderr, "%" PRId64 " s, %" PRIu64 " kB, %.0fx  \r", event->position_us / 1000000, event->size_bytes / 1000,
              event->speed);
      break;
    case MT_TRANSCODE_EVENT_LOG:
      if (event->level <= 24) fprintf(stderr, "[%s] %s\n", event->stage, event->text);
      break;
    default:
      break;
  }
}

/* Shows the job's events until it is done, and passes Ctrl-C on to it. */
static void follow(mt_transcode_job *job) {
  int passed_on = 0;
  for (;;) {
    mt_transcode_event *event = NULL;
    int32_t code = mt_transcode_job_next_event(job, 200, &event);
    if (code < 0 && code != -ETIMEDOUT) return; /* -ENODATA: it is done */
    if (code == 0) show(event);
    mt_transcode_event_free(event);
    if (interrupts > passed_on) {
      passed_on = interrupts;
      if (passed_on == 1) {
        fprintf(stderr, "\nstopping: writing the trailer\n");
        mt_transcode_job_stop(job);
      } else {
        mt_transcode_job_cancel(job);
      }
    }
  }
}

static int remux(mt_transcode_engine *engine, const char *source, const char *target) {
  mt_transcode_job *job = NULL;
  int32_t result = 0;
  int status = 0;
  int32_t code = mt_transcode_job_new(engine, &job);
  if (code < 0) return complain(code, NULL);
  code = describe(job, source, target);
  if (code == 0) code = mt_transcode_job_start(job);
  if (code == 0) {
    follow(job);
    mt_transcode_job_wait(job, -1, &result);
    fprintf(stderr, "\n");
    code = result;
  }
  if (code < 0) status = complain_of_job(code, job);
  mt_transcode_job_free(job);
  return status;
}

int main(int argc, char **argv) {
  mt_transcode_engine_config config;
  mt_transcode_engine *engine = NULL;
  mt_transcode_error *error = NULL;
  int32_t code;
  int status;
  if (argc != 3) {
    fprintf(stderr, "usage: remux INPUT OUTPUT\n");
    return 2;
  }
  catch_interrupts();
  mt_transcode_engine_config_init(&config, sizeof config);
  config.log_mode = MT_TRANSCODE_LOG_TAKE;
  code = mt_transcode_engine_new(&config, &engine, &error);
  if (code < 0) return complain(code, error);
  status = remux(engine, argv[1], argv[2]);
  mt_transcode_engine_free(engine);
  return status;
}
