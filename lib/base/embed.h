/* A file of this tree inside a program: EMBED(x, "compose/x.json") makes x_begin and x_end, hidden
 * from other libraries, and a zero byte behind it. Paths count from the root of the tree, where the
 * build runs; the Makefile says which object needs which files. Any number in a source file, at its
 * top level. */
#ifndef CULPRIT_BASE_EMBED_H
#define CULPRIT_BASE_EMBED_H

#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "_begin, " #name "_end\n" #name "_begin:\n"                           \
            ".incbin \"" path "\"\n" #name "_end:\n"                                               \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char name##_begin[] __attribute__((visibility("hidden")));                        \
    extern const char name##_end[] __attribute__((visibility("hidden")));

#endif
