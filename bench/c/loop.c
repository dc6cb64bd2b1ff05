/* The floor: the least that a C program does with FFmpeg's libraries to remux from memory to memory, or from file to file, with the two
 * settings that the ffmpeg program always makes and that decide how much work there is. No checks beyond FFmpeg's own, no limits, no way to stop it. */
#include <libavformat/avformat.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* Memory that FFmpeg reads. */
struct source {
  struct bytes bytes;
  size_t at;
};

/* Memory that FFmpeg writes, with a position where it can seek. */
struct target {
  struct sink *sink;
  size_t at;
};

static int read_source(void *opaque, uint8_t *buffer, int size) {
  struct source *source = opaque;
  size_t left = source->bytes.size - source->at;
  size_t count = (size_t)size < left ? (size_t)size : left;
  if (count == 0) return AVERROR_EOF;
  memcpy(buffer, source->bytes.data + source->at, count);
  source->at += count;
  return (int)count;
}

static int64_t seek_source(void *opaque, int64_t offset, int whence) {
  struct source *source = opaque;
  if (whence == AVSEEK_SIZE) return (int64_t)source->bytes.size;
  if (whence != SEEK_SET || offset < 0 || (uint64_t)offset > source->bytes.size) return AVERROR(EINVAL);
  source->at = (size_t)offset;
  return offset;
}

static int write_target(void *opaque, uint8_t *data, int size) {
  struct target *target = opaque;
  size_t over = target->sink->size - target->at;
  size_t count = over < (size_t)size ? over : (size_t)size;
  memcpy(target->sink->data + target->at, data, count);
  sink_append(target->sink, data + count, (size_t)size - count);
  target->at += (size_t)size;
  return size;
}

static int64_t seek_target(void *opaque, int64_t offset, int whence) {
  struct target *target = opaque;
  if (whence == AVSEEK_SIZE) return (int64_t)target->sink->size;
  if (whence != SEEK_SET || offset < 0 || (uint64_t)offset > target->sink->size) return AVERROR(EINVAL);
  target->at = (size_t)offset;
  return offset;
}

static int read_descriptor(void *opaque, uint8_t *buffer, int size) {
  ssize_t count = read(*(const int *)opaque, buffer, (size_t)size);
  if (count < 0) return AVERROR(errno);
  return count == 0 ? AVERROR_EOF : (int)count;
}

static int write_descriptor(void *opaque, uint8_t *data, int size) {
  int left = size;
  while (left > 0) {
    ssize_t count = write(*(const int *)opaque, data + (size - left), (size_t)left);
    if (count < 0) return AVERROR(errno);
    left -= (int)count;
  }
  return size;
}

static AVIOContext *make_io(int writes, void *opaque, int seekable) {
  int64_t (*seek)(void *, int64_t, int) = writes ? seek_target : seek_source;
  return avio_alloc_context(av_malloc(CHUNK_BYTES), CHUNK_BYTES, writes, opaque, writes ? NULL : read_source,
                            writes ? write_target : NULL, seekable ? seek : NULL);
}

static void free_io(AVIOContext *io) {
  av_freep(&io->buffer);
  avio_context_free(&io);
}

static void must(int code, const char *what) {
  if (code < 0) die("%s: %s", what, av_err2str(code));
}

/* `input` is NULL, or has what it reads from. */
static AVFormatContext *open_input(AVFormatContext *input, const char *path) {
  AVDictionary *options = NULL;
  /* As the ffmpeg program: without it an MPEG-TS is probed less far, and a program that begins later is missed. */
  av_dict_set(&options, "scan_all_pmts", "1", 0);
  must(avformat_open_input(&input, path, NULL, &options), "avformat_open_input");
  av_dict_free(&options);
  must(avformat_find_stream_info(input, NULL), "avformat_find_stream_info");
  return input;
}

static AVFormatContext *make_output(const AVFormatContext *input, const char *format) {
  AVFormatContext *output = NULL;
  must(avformat_alloc_output_context2(&output, NULL, format, NULL), "avformat_alloc_output_context2");
  for (unsigned i = 0; i < input->nb_streams; i++) {
    AVStream *stream = avformat_new_stream(output, NULL);
    must(avcodec_parameters_copy(stream->codecpar, input->streams[i]->codecpar), "avcodec_parameters_copy");
    stream->codecpar->codec_tag = 0;
  }
  output->max_delay = AV_TIME_BASE * 7 / 10; /* as the ffmpeg program: MPEG-TS then packs audio as tightly */
  return output;
}

enum { MAX_STREAMS = 16 };

/* Times that a container has rounded may come twice; muxers refuse that, and the ffmpeg program moves them on, as this does. */
static void keep_order(AVPacket *packet, int64_t *last) {
  if (packet->dts == AV_NOPTS_VALUE) return;
  if (*last != AV_NOPTS_VALUE && packet->dts <= *last) {
    packet->dts = *last + 1;
    if (packet->pts < packet->dts) packet->pts = packet->dts;
  }
  *last = packet->dts;
}

/* `may_leave`: who reads the output may be gone before its end. */
static void copy_packets(AVFormatContext *input, AVFormatContext *output, int may_leave) {
  int64_t last[MAX_STREAMS];
  AVPacket *packet = av_packet_alloc();
  if (input->nb_streams > MAX_STREAMS) die("more than %d streams", MAX_STREAMS);
  for (size_t i = 0; i < MAX_STREAMS; i++) last[i] = AV_NOPTS_VALUE;
  while (av_read_frame(input, packet) >= 0) {
    AVStream *from = input->streams[packet->stream_index];
    av_packet_rescale_ts(packet, from->time_base, output->streams[packet->stream_index]->time_base);
    packet->pos = -1;
    keep_order(packet, &last[packet->stream_index]);
    int code = av_interleaved_write_frame(output, packet);
    if (code < 0 && may_leave) break;
    must(code, "av_interleaved_write_frame");
  }
  av_packet_free(&packet);
}

static void write_output(AVFormatContext *input, AVFormatContext *output, const char *key, const char *value) {
  AVDictionary *options = NULL;
  if (key != NULL) av_dict_set(&options, key, value, 0);
  must(avformat_write_header(output, &options), "avformat_write_header");
  av_dict_free(&options);
  copy_packets(input, output, 0);
  must(av_write_trailer(output), "av_write_trailer");
}

static void remux(const struct remux *wanted, struct sink *sink, int seekable) {
  struct source source = {wanted->input, 0};
  struct target target = {sink, 0};
  AVIOContext *reading = make_io(0, &source, seekable);
  AVFormatContext *input = avformat_alloc_context();
  input->pb = reading;
  input = open_input(input, NULL);
  AVFormatContext *output = make_output(input, wanted->format);
  output->pb = make_io(1, &target, seekable);
  write_output(input, output, wanted->key, wanted->value);
  free_io(output->pb);
  avformat_free_context(output);
  avformat_close_input(&input);
  free_io(reading);
}

void remux_by_loop(const struct remux *wanted, struct sink *sink) { remux(wanted, sink, 0); }

void remux_by_seekable_loop(const struct remux *wanted, struct sink *sink) { remux(wanted, sink, 1); }

void remux_files_by_loop(const char *from, const char *to, const char *format) {
  av_log_set_level(AV_LOG_ERROR);
  AVFormatContext *input = open_input(NULL, from);
  AVFormatContext *output = make_output(input, format);
  AVDictionary *options = NULL;
  av_dict_set(&options, "truncate", "0", 0); // as the programs it is compared with: the file's memory is there already
  must(avio_open2(&output->pb, to, AVIO_FLAG_WRITE, NULL, &options), "avio_open2");
  av_dict_free(&options);
  write_output(input, output, NULL, NULL);
  must(avio_closep(&output->pb), "avio_closep");
  avformat_free_context(output);
  avformat_close_input(&input);
}

static AVFormatContext *open_live_input(int *from) {
  AVFormatContext *input = avformat_alloc_context();
  AVDictionary *options = NULL;
  input->pb = avio_alloc_context(av_malloc(CHUNK_BYTES), CHUNK_BYTES, 0, from, read_descriptor, NULL, NULL);
  input->max_analyze_duration = AV_TIME_BASE / 2;
  input->fps_probe_size = 2;
  av_dict_set(&options, "scan_all_pmts", "0", 0);
  must(avformat_open_input(&input, NULL, av_find_input_format("mpegts"), &options), "avformat_open_input");
  av_dict_free(&options);
  must(avformat_find_stream_info(input, NULL), "avformat_find_stream_info");
  return input;
}

void remux_live_by_loop(int from, int to, const char *format) {
  AVDictionary *options = NULL;
  int is_ts = strcmp(format, "mpegts") == 0;
  AVFormatContext *input = open_live_input(&from);
  AVFormatContext *output = make_output(input, format);
  AVIOContext *reading = input->pb;
  output->pb = avio_alloc_context(av_malloc(CHUNK_BYTES), CHUNK_BYTES, 1, &to, NULL, write_descriptor, NULL);
  output->max_delay = 0;
  output->flush_packets = 1;
  output->max_interleave_delta = is_ts ? 300000 : 1000000;
  av_dict_set(&options, is_ts ? "pes_payload_size" : "flvflags", is_ts ? "0" : "no_duration_filesize", 0);
  must(avformat_write_header(output, &options), "avformat_write_header");
  av_dict_free(&options);
  copy_packets(input, output, 1);
  free_io(output->pb);
  avformat_free_context(output);
  avformat_close_input(&input);
  free_io(reading);
}
