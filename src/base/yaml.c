/* SPDX-License-Identifier: MIT
 *
 * Building the tree from libyaml's events. Limits: one document per file,
 * depth 64, no anchors or aliases (a few of them can expand to gigabytes),
 * keys are scalars and unique within their map. Tags are ignored. */
#include "base/yaml_internal.h"
#include "base/file.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 64

typedef struct builder {
    yaml_parser_t parser;
    stn_arena *arena;
    const char *name; /* in the arena */
    int depth;
    stn_error *err;
} builder;

static stn_status fail_at(const builder *b, size_t line, const char *text)
{
    return stn_fail(b->err, STN_E_FORMAT, "%s:%zu: %s", b->name, line + 1,
                    text);
}

static stn_status next_event(builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return STN_OK;
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem ? p->problem : "cannot be parsed";
    if (p->error == YAML_MEMORY_ERROR)
        return stn_fail_memory(b->err, b->name);
    if (p->error == YAML_READER_ERROR)
        return stn_fail(b->err, STN_E_FORMAT, "%s: byte %zu: %s", b->name,
                        p->problem_offset, problem);
    if (p->context)
        return stn_fail(b->err, STN_E_FORMAT, "%s:%zu: %s (%s from line %zu)",
                        b->name, p->problem_mark.line + 1, problem, p->context,
                        p->context_mark.line + 1);
    return fail_at(b, p->problem_mark.line, problem);
}

static stn_status copy_scalar(builder *b, const yaml_event_t *event,
                              const char **out)
{
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length)
        return fail_at(b, event->start_mark.line,
                       "text contains a NUL byte; remove it");
    *out = stn_arena_string(b->arena, value);
    return *out ? STN_OK : stn_fail_memory(b->err, b->name);
}

static stn_status build_node(builder *b, const yaml_event_t *event,
                             stn_yaml **out);

/* Reads a map's key; *key is NULL at the end of the collection. */
static stn_status read_key(builder *b, const stn_yaml *map,
                           const yaml_event_t *event, const char **key)
{
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(b, event->start_mark.line,
                       "a key must be a word, not a list or map");
    STN_TRY(copy_scalar(b, event, key));
    const stn_yaml *earlier = stn_yaml_get(map, *key);
    if (earlier)
        return stn_fail(b->err, STN_E_FORMAT,
                        "%s:%zu: key \"%s\" was already given in line %d",
                        b->name, event->start_mark.line + 1, *key,
                        earlier->line);
    return STN_OK;
}

/* Takes the event already read, a key in maps, and appends one child. */
static stn_status build_child(builder *b, stn_yaml *parent,
                              const yaml_event_t *event, stn_yaml **child)
{
    if (parent->kind == STN_YAML_SEQUENCE)
        return build_node(b, event, child);
    const char *key = NULL;
    STN_TRY(read_key(b, parent, event, &key));
    yaml_event_t value;
    STN_TRY(next_event(b, &value));
    stn_status status = build_node(b, &value, child);
    yaml_event_delete(&value);
    if (status == STN_OK) {
        (*child)->key = key;
        /* The line of the key is where a reader looks. */
        (*child)->line = (int)event->start_mark.line + 1;
    }
    return status;
}

static stn_status build_children(builder *b, stn_yaml *parent)
{
    if (b->depth == MAX_DEPTH)
        return fail_at(b, (size_t)parent->line - 1,
                       "more than 64 levels of nesting");
    b->depth++;
    stn_yaml **link = &parent->first;
    for (;;) {
        yaml_event_t event;
        STN_TRY(next_event(b, &event));
        bool end = event.type == YAML_SEQUENCE_END_EVENT ||
                   event.type == YAML_MAPPING_END_EVENT;
        stn_status status = STN_OK;
        stn_yaml *child = NULL;
        if (!end)
            status = build_child(b, parent, &event, &child);
        yaml_event_delete(&event);
        if (status != STN_OK)
            return status;
        if (end)
            break;
        *link = child;
        link = &child->next;
        parent->n_children++;
    }
    b->depth--;
    return STN_OK;
}

static stn_status build_node(builder *b, const yaml_event_t *event,
                             stn_yaml **out)
{
    size_t line = event->start_mark.line;
    stn_yaml *node = stn_arena_alloc(b->arena, 1, sizeof *node);
    if (!node)
        return stn_fail_memory(b->err, b->name);
    node->file = b->name;
    node->line = (int)line + 1;
    node->scalar = "";
    bool anchor = false;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = STN_YAML_SCALAR;
        anchor = event->data.scalar.anchor != NULL;
        STN_TRY(copy_scalar(b, event, &node->scalar));
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = STN_YAML_SEQUENCE;
        anchor = event->data.sequence_start.anchor != NULL;
        STN_TRY(build_children(b, node));
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = STN_YAML_MAP;
        anchor = event->data.mapping_start.anchor != NULL;
        STN_TRY(build_children(b, node));
        break;
    default:
        anchor = true;
    }
    if (anchor)
        return fail_at(b, line,
                       "anchors (&) and aliases (*) are not supported; "
                       "quote the text or repeat the values");
    *out = node;
    return STN_OK;
}

/* An empty file is an empty scalar, like any other empty value. */
static stn_status build_empty(builder *b, stn_yaml **out)
{
    stn_yaml *node = stn_arena_alloc(b->arena, 1, sizeof *node);
    if (!node)
        return stn_fail_memory(b->err, b->name);
    *node = (stn_yaml){.scalar = "", .file = b->name, .line = 1};
    *out = node;
    return STN_OK;
}

static stn_status build_stream(builder *b, stn_yaml **out)
{
    stn_yaml *root = NULL;
    for (;;) {
        yaml_event_t event;
        STN_TRY(next_event(b, &event));
        yaml_event_type_t type = event.type;
        stn_status status = STN_OK;
        if (type == YAML_DOCUMENT_START_EVENT && root)
            status = fail_at(b, event.start_mark.line,
                             "a second document starts; keep one per file");
        else if (type != YAML_STREAM_START_EVENT &&
                 type != YAML_STREAM_END_EVENT &&
                 type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT)
            status = build_node(b, &event, &root);
        yaml_event_delete(&event);
        if (status != STN_OK)
            return status;
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (!root)
        return build_empty(b, out);
    *out = root;
    return STN_OK;
}

stn_status stn_yaml_build(stn_yaml_document *document, const char *name,
                          const char *text, size_t size, stn_yaml **out,
                          stn_error *err)
{
    builder b = {.arena = &document->arena, .err = err};
    b.name = stn_arena_string(b.arena, name);
    if (!b.name || !yaml_parser_initialize(&b.parser))
        return stn_fail_memory(err, name);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, size);
    stn_status status = build_stream(&b, out);
    yaml_parser_delete(&b.parser);
    return status;
}

static stn_status parse(const char *name, const char *text, size_t size,
                        stn_yaml_document **out, stn_error *err)
{
    stn_yaml_document *document = stn_alloc(1, sizeof *document);
    if (!document)
        return stn_fail_memory(err, name);
    stn_status status =
        stn_yaml_build(document, name, text, size, &document->root, err);
    if (status == STN_OK)
        *out = document;
    else
        stn_yaml_destroy(document);
    return status;
}

stn_status stn_yaml_parse(const char *name, const char *text,
                          stn_yaml_document **out, stn_error *err)
{
    return parse(name, text, strlen(text), out, err);
}

stn_status stn_yaml_load(const char *path, stn_yaml_document **out,
                         stn_error *err)
{
    uint8_t *bytes;
    size_t size;
    STN_TRY(stn_file_read(path, &bytes, &size, err));
    stn_status status = parse(path, (const char *)bytes, size, out, err);
    stn_free(bytes);
    return status;
}

stn_yaml *stn_yaml_root(stn_yaml_document *document)
{
    return document->root;
}

void stn_yaml_destroy(stn_yaml_document *document)
{
    if (!document)
        return;
    stn_arena_deinit(&document->arena);
    stn_free(document);
}

const stn_yaml *stn_yaml_get(const stn_yaml *map, const char *key)
{
    if (!map || map->kind != STN_YAML_MAP)
        return NULL;
    for (const stn_yaml *n = map->first; n; n = n->next)
        if (n->key && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

const stn_yaml *stn_yaml_at(const stn_yaml *sequence, size_t i)
{
    if (!sequence || sequence->kind != STN_YAML_SEQUENCE ||
        i >= sequence->n_children)
        return NULL;
    const stn_yaml *n = sequence->first;
    while (i-- > 0)
        n = n->next;
    return n;
}

void stn_yaml_fail_text(const stn_yaml *node, stn_error *err,
                        const char *format, ...)
{
    char text[STN_ERROR_CAPACITY];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (node && !node->line)
        stn_fail_text(err, STN_E_FORMAT, "%s: %s", node->file, text);
    else if (node)
        stn_fail_text(err, STN_E_FORMAT, "%s:%d: %s", node->file, node->line,
                      text);
    else
        stn_fail_text(err, STN_E_FORMAT, "%s", text);
}
