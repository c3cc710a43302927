/*
 * The plugin of the demo: a real shared library, small enough to ship. It counts audit events.
 *
 * plugin.so beside this file was built once, on linux/amd64 with glibc, and is never rebuilt by `make testdata`:
 *
 *     gcc -shared -fPIC -Os -s -fno-asynchronous-unwind-tables -Wl,-z,noseparate-code -Wl,-z,norelro \
 *         -Wl,--hash-style=gnu -Wl,--build-id=none -o plugin.so plugin.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char MANIFEST[] =
    "{\"id\":\"dev.acme.audit\",\"name\":\"Acme Audit\",\"class\":\"audit_sink\",\"protocol_version\":\"1.0\"}";

struct sink {
    uint64_t events;
    uint64_t bytes;
};

const char *acme_audit_manifest(void) { return MANIFEST; }

struct sink *acme_audit_open(void) { return calloc(1, sizeof(struct sink)); }

uint64_t acme_audit_write(struct sink *sink, const char *event) {
    sink->bytes += strlen(event);
    return ++sink->events;
}

void acme_audit_close(struct sink *sink) { free(sink); }
