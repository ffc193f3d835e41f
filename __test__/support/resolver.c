// A resolver for tests, for LD_PRELOAD (glibc): the name redis.test has the addresses that the file $RESOLVER_FILE lists,
// in that order, and does not exist while the file is empty; ~1000 among them takes a second. Every other name is resolved
// as ever.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int Resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  Resolve *resolve = (Resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
  if (!name || strcmp(name, "redis.test") != 0) return resolve(name, service, hints, result);

  FILE *file = fopen(getenv("RESOLVER_FILE"), "r");
  char address[64];
  struct addrinfo **end = result;
  *result = NULL;
  while (file && fscanf(file, "%63s", address) == 1) {
    if (address[0] == '~') {
      usleep(atoi(address + 1) * 1000);
      continue;
    }
    // glibc frees the entries of a list one by one, so that lists can be chained.
    if (resolve(address, service, hints, end) != 0) continue;
    while (*end) end = &(*end)->ai_next;
  }
  if (file) fclose(file);
  return *result ? 0 : EAI_NONAME;
}
