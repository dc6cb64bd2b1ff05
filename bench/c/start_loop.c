/* start_loop: the floor of `start`. A program that is linked with libavformat, as any that uses FFmpeg's libraries itself, and remuxes a file.
 *
 *     start_loop FROM TO FORMAT
 */
#include "bench.h"

int main(int argc, char **argv) {
  if (argc != 4) die("usage: start_loop FROM TO FORMAT");
  remux_files_by_loop(argv[1], argv[2], argv[3]);
  return 0;
}
