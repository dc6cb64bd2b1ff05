// The one place that finds the C library's header, so that a machine without it gets one clear line.

#if !defined(__has_include) || __has_include(<mt_transcode/mt_transcode.h>)
#include <mt_transcode/mt_transcode.h>
#include <stdlib.h>
#else
#error "mt-transcode: the C library is not installed: run `make install` in its clone, or set PKG_CONFIG_PATH to the folder of mt_transcode.pc"
#endif
