/* A VA-API driver without hardware, for tests/hardware.rs: a picture is filled with numbers that come of the bytes of its slices. That is
 * no video, but it is the same for the same bytes, so that two programs which use it rightly have the same result.
 *
 * Built as fake_drv_video.so. LIBVA_DRIVER_NAME=fake and LIBVA_DRIVERS_PATH let libva load it; with LD_PRELOAD it makes libdrm take any
 * file for a device. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <va/va.h>
#include <va/va_backend.h>

/* Surfaces, buffers, images and contexts are entries of one table; their ids are their places. */
struct thing {
  unsigned char *data;
  unsigned width, height, size;
  unsigned sum; /* of a context: the bytes of the picture that is being made */
  unsigned target; /* of a context: its surface */
  unsigned buffer; /* of an image */
  int is_used, is_slice;
};

#define THINGS 4096
static struct thing things[THINGS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static unsigned add(unsigned width, unsigned height, unsigned size, const void *data) {
  unsigned id = 0;
  pthread_mutex_lock(&lock);
  for (id = 1; id < THINGS && things[id].is_used; id++) {
  }
  if (id < THINGS) {
    things[id] = (struct thing){.width = width, .height = height, .size = size, .is_used = 1};
    things[id].data = calloc(size ? size : 1, 1);
    if (data) {
      memcpy(things[id].data, data, size);
    }
  }
  pthread_mutex_unlock(&lock);
  return id < THINGS ? id : 0;
}

static void drop(unsigned id) {
  pthread_mutex_lock(&lock);
  if (id && id < THINGS && things[id].is_used) {
    free(things[id].data);
    things[id] = (struct thing){0};
  }
  pthread_mutex_unlock(&lock);
}

/* Loaded before libdrm (LD_PRELOAD): any file is taken for a render node. */
int drmGetNodeTypeFromFd(int fd);
int drmGetNodeTypeFromFd(int fd) { return fd < 0 ? -1 : 2; }

static VAStatus unimplemented(void) { return VA_STATUS_ERROR_UNIMPLEMENTED; }

static VAStatus terminate(VADriverContextP driver) { return VA_STATUS_SUCCESS; }

static VAStatus query_profiles(VADriverContextP driver, VAProfile *list, int *count) {
  VAProfile profiles[] = {VAProfileH264ConstrainedBaseline, VAProfileH264Main, VAProfileH264High};
  memcpy(list, profiles, sizeof(profiles));
  *count = 3;
  return VA_STATUS_SUCCESS;
}

static VAStatus query_entrypoints(VADriverContextP driver, VAProfile profile, VAEntrypoint *list, int *count) {
  list[0] = VAEntrypointVLD;
  *count = 1;
  return VA_STATUS_SUCCESS;
}

static VAStatus get_attributes(VADriverContextP driver, VAProfile profile, VAEntrypoint entry, VAConfigAttrib *list,
                               int count) {
  for (int i = 0; i < count; i++) {
    list[i].value = list[i].type == VAConfigAttribRTFormat ? VA_RT_FORMAT_YUV420 : VA_ATTRIB_NOT_SUPPORTED;
  }
  return VA_STATUS_SUCCESS;
}

static VAStatus create_config(VADriverContextP driver, VAProfile profile, VAEntrypoint entry, VAConfigAttrib *list, int count,
                              VAConfigID *id) {
  *id = add(0, 0, 0, NULL);
  return VA_STATUS_SUCCESS;
}

static VAStatus destroy(VADriverContextP driver, unsigned id) {
  drop(id);
  return VA_STATUS_SUCCESS;
}

static VAStatus query_surface_attributes(VADriverContextP driver, VAConfigID config, VASurfaceAttrib *list, unsigned *count) {
  if (list) {
    list[0] = (VASurfaceAttrib){.type = VASurfaceAttribPixelFormat};
    list[0].flags = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE;
    list[0].value.type = VAGenericValueTypeInteger;
    list[0].value.value.i = VA_FOURCC_NV12;
  }
  *count = 1;
  return VA_STATUS_SUCCESS;
}

static VAStatus create_surfaces(VADriverContextP driver, unsigned format, unsigned width, unsigned height, VASurfaceID *ids,
                                unsigned count, VASurfaceAttrib *list, unsigned attributes) {
  for (unsigned i = 0; i < count; i++) {
    ids[i] = add(width, height, width * height * 3 / 2, NULL);
  }
  return VA_STATUS_SUCCESS;
}

static VAStatus destroy_surfaces(VADriverContextP driver, VASurfaceID *ids, int count) {
  for (int i = 0; i < count; i++) {
    drop(ids[i]);
  }
  return VA_STATUS_SUCCESS;
}

static VAStatus create_context(VADriverContextP driver, VAConfigID config, int width, int height, int flag, VASurfaceID *targets,
                               int count, VAContextID *id) {
  *id = add(width, height, 0, NULL);
  return VA_STATUS_SUCCESS;
}

static VAStatus create_buffer(VADriverContextP driver, VAContextID context, VABufferType type, unsigned size, unsigned count,
                              void *data, VABufferID *id) {
  *id = add(0, 0, size * count, data);
  /* Parameters hold ids of surfaces, which hang on the order in which threads ask for them. */
  things[*id].is_slice = type == VASliceDataBufferType;
  return VA_STATUS_SUCCESS;
}

static VAStatus map_buffer(VADriverContextP driver, VABufferID id, void **data) {
  *data = things[id].data;
  return VA_STATUS_SUCCESS;
}

static VAStatus unmap_buffer(VADriverContextP driver, VABufferID id) { return VA_STATUS_SUCCESS; }

static VAStatus begin_picture(VADriverContextP driver, VAContextID context, VASurfaceID target) {
  pthread_mutex_lock(&lock);
  things[context].sum = 1;
  things[context].target = target;
  pthread_mutex_unlock(&lock);
  return VA_STATUS_SUCCESS;
}

static VAStatus render_picture(VADriverContextP driver, VAContextID context, VABufferID *buffers, int count) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < count; i++) {
    const struct thing *buffer = &things[buffers[i]];
    for (unsigned at = 0; buffer->is_slice && at < buffer->size; at++) {
      things[context].sum = things[context].sum * 31 + buffer->data[at];
    }
  }
  pthread_mutex_unlock(&lock);
  return VA_STATUS_SUCCESS;
}

static VAStatus end_picture(VADriverContextP driver, VAContextID context) {
  pthread_mutex_lock(&lock);
  unsigned sum = things[context].sum;
  const struct thing *surface = &things[things[context].target];
  for (unsigned at = 0; at < surface->size; at++) {
    surface->data[at] = (unsigned char)(sum >> 8 * (at % 4));
  }
  pthread_mutex_unlock(&lock);
  return VA_STATUS_SUCCESS;
}

static VAStatus sync_surface(VADriverContextP driver, VASurfaceID id) { return VA_STATUS_SUCCESS; }

static const VAImageFormat nv12 = {.fourcc = VA_FOURCC_NV12, .byte_order = VA_LSB_FIRST, .bits_per_pixel = 12};

static VAStatus query_image_formats(VADriverContextP driver, VAImageFormat *list, int *count) {
  list[0] = nv12;
  *count = 1;
  return VA_STATUS_SUCCESS;
}

static VAStatus create_image(VADriverContextP driver, VAImageFormat *format, int width, int height, VAImage *image) {
  unsigned size = (unsigned)(width * height) * 3 / 2;
  *image = (VAImage){.format = nv12, .width = width, .height = height, .data_size = size, .num_planes = 2};
  image->pitches[0] = image->pitches[1] = width;
  image->offsets[1] = width * height;
  image->buf = add(0, 0, size, NULL);
  image->image_id = add(width, height, 0, NULL);
  things[image->image_id].buffer = image->buf;
  return VA_STATUS_SUCCESS;
}

static VAStatus destroy_image(VADriverContextP driver, VAImageID id) {
  drop(things[id].buffer);
  drop(id);
  return VA_STATUS_SUCCESS;
}

/* Copies between a surface and an image of any two sizes, as much as both have. */
static VAStatus copy(unsigned surface_id, unsigned image_id, int is_put) {
  pthread_mutex_lock(&lock);
  const struct thing *surface = &things[surface_id], *image = &things[image_id];
  unsigned char *there = things[image->buffer].data;
  unsigned width = surface->width < image->width ? surface->width : image->width;
  unsigned height = surface->height < image->height ? surface->height : image->height;
  for (unsigned y = 0; y < height + height / 2; y++) {
    unsigned char *a = surface->data + (y < height ? y : surface->height + y - height) * surface->width;
    unsigned char *b = there + (y < height ? y : image->height + y - height) * image->width;
    memcpy(is_put ? a : b, is_put ? b : a, width);
  }
  pthread_mutex_unlock(&lock);
  return VA_STATUS_SUCCESS;
}

static VAStatus get_image(VADriverContextP driver, VASurfaceID surface, int x, int y, unsigned w, unsigned h, VAImageID image) {
  return copy(surface, image, 0);
}

static VAStatus put_image(VADriverContextP driver, VASurfaceID surface, VAImageID image, int sx, int sy, unsigned sw, unsigned sh,
                          int dx, int dy, unsigned dw, unsigned dh) {
  return copy(surface, image, 1);
}

#define NAME(major, minor) NAME2(major, minor)
#define NAME2(major, minor) __vaDriverInit_##major##_##minor

VAStatus NAME(VA_MAJOR_VERSION, VA_MINOR_VERSION)(VADriverContextP driver) {
  void **functions = (void **)driver->vtable;
  for (size_t i = 0; i < offsetof(struct VADriverVTable, vaCopy) / sizeof(void *) + 1; i++) {
    functions[i] = (void *)unimplemented;
  }
  struct VADriverVTable *table = driver->vtable;
  table->vaTerminate = terminate;
  table->vaQueryConfigProfiles = query_profiles;
  table->vaQueryConfigEntrypoints = query_entrypoints;
  table->vaGetConfigAttributes = get_attributes;
  table->vaCreateConfig = create_config;
  table->vaDestroyConfig = destroy;
  table->vaQuerySurfaceAttributes = query_surface_attributes;
  table->vaCreateSurfaces2 = create_surfaces;
  table->vaDestroySurfaces = destroy_surfaces;
  table->vaCreateContext = create_context;
  table->vaDestroyContext = destroy;
  table->vaCreateBuffer = create_buffer;
  table->vaMapBuffer = map_buffer;
  table->vaUnmapBuffer = unmap_buffer;
  table->vaDestroyBuffer = destroy;
  table->vaBeginPicture = begin_picture;
  table->vaRenderPicture = render_picture;
  table->vaEndPicture = end_picture;
  table->vaSyncSurface = sync_surface;
  table->vaQueryImageFormats = query_image_formats;
  table->vaCreateImage = create_image;
  table->vaDestroyImage = destroy_image;
  table->vaGetImage = get_image;
  table->vaPutImage = put_image;
  driver->version_major = VA_MAJOR_VERSION;
  driver->version_minor = VA_MINOR_VERSION;
  driver->max_profiles = 3;
  driver->max_entrypoints = 1;
  driver->max_attributes = 4;
  driver->max_image_formats = 1;
  driver->max_subpic_formats = 1;
  driver->max_display_attributes = 1;
  driver->str_vendor = "a driver of the tests, without hardware";
  return VA_STATUS_SUCCESS;
}
