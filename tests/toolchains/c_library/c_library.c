/* A log in a file, written with stdio, and what else a program in C asks its library for.

   Exports follow the canonical ABI by hand: a string comes as pointer and length, allocated by cabi_realloc, and goes as
   a pointer to both; the host calls cabi_post_... when it has read it. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((export_name("test:c-library/logbook#" name)))
#define POST(name) __attribute__((export_name("cabi_post_test:c-library/logbook#" name)))

static const char *const PATH = "/logbook/lines.txt";
static uint32_t lines = 0;

typedef struct {
  char *text;
  size_t size;
} string_t;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size;
  if (size == 0) return (void *)align;
  void *made = realloc(old, size);
  if (made == NULL) abort();
  return made;
}

static string_t *string_of(char *text, size_t size) {
  static string_t returned;
  returned.text = text;
  returned.size = size;
  return &returned;
}

static void check(int holds, const char *what) {
  if (holds) return;
  perror(what);
  abort();
}

static void write_line(const char *format, ...) {
  if (lines == 0) check(mkdir("/logbook", 0755) == 0, "mkdir");
  FILE *file = fopen(PATH, "a");
  check(file != NULL, "fopen");
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fputc('\n', file);
  check(fclose(file) == 0, "fclose");
  lines++;
}

EXPORT("append") uint32_t append(char *line, size_t size) {
  write_line("%.*s", (int)size, line);
  free(line);
  return lines;
}

EXPORT("stamp") uint64_t stamp(void) {
  uint64_t seconds = (uint64_t)time(NULL);
  write_line("%llu", (unsigned long long)seconds);
  return seconds;
}

EXPORT("draw") uint64_t draw(void) {
  uint64_t drawn;
  check(getentropy(&drawn, sizeof drawn) == 0, "getentropy");
  write_line("%llu", (unsigned long long)drawn);
  return drawn;
}

EXPORT("contents") string_t *contents(void) {
  FILE *file = fopen(PATH, "r");
  check(file != NULL, "fopen");
  check(fseek(file, 0, SEEK_END) == 0, "fseek");
  size_t size = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(size + 1);
  check(text != NULL && fread(text, 1, size, file) == size, "fread");
  fclose(file);
  return string_of(text, size);
}

POST("contents") void post_contents(string_t *returned) { free(returned->text); }

EXPORT("setting") string_t *setting(char *name, size_t size) {
  char *key = strndup(name, size);
  const char *value = getenv(key);
  free(key);
  free(name);
  char *text = strdup(value == NULL ? "" : value);
  return string_of(text, strlen(text));
}

POST("setting") void post_setting(string_t *returned) { free(returned->text); }

EXPORT("hold") uint64_t hold(uint32_t mebibytes) {
  enum { PAGE = 65536, PAGES = 16, MOST = 1024 };
  static unsigned char *held[MOST];
  static uint32_t count = 0;
  for (uint32_t n = 0; n < mebibytes; n++) {
    check(count < MOST && (held[count] = malloc(PAGES * PAGE)) != NULL, "malloc");
    for (int page = 0; page < PAGES; page++) held[count][page * PAGE] = (unsigned char)(count + page);
    count++;
  }
  uint64_t sum = 0;
  for (uint32_t n = 0; n < count; n++)
    for (int page = 0; page < PAGES; page++) sum += held[n][page * PAGE];
  return sum;
}

EXPORT("nap") void nap(uint32_t milliseconds) {
  struct timespec duration = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
  check(nanosleep(&duration, NULL) == 0, "nanosleep");
}

EXPORT("say") void say(char *text, size_t size) {
  printf("out: %.*s\n", (int)size, text);
  fprintf(stderr, "err: %.*s\n", (int)size, text);
  fflush(stdout);
  free(text);
}

EXPORT("fail-at") uint32_t fail_at(uint32_t most) {
  if (lines >= most) {
    fprintf(stderr, "%u lines are too many\n", lines);
    abort();
  }
  return lines;
}
