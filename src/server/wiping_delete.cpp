// The daemon's operators new and delete ([new.delete]): memory that goes back to the heap is wiped.
//
// Secrets are in a Secret, which wipes itself.  But a page that shows a key or recovery codes is made by
// libraries that know of none: a template's context, streams, a request's fields (which have cookies and
// tokens), JSON.  All of them get their memory here, and none of it is found in the heap after use.
#include <malloc.h>

#include <string.h>
#include <cstdlib>
#include <new>

namespace {

void* allocate(std::size_t size)
{
    for (;;) {
        if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
        const auto handler = std::get_new_handler();
        if (handler == nullptr) throw std::bad_alloc();
        handler();
    }
}

void* allocate(std::size_t size, std::align_val_t alignment)
{
    const auto boundary = static_cast<std::size_t>(alignment);
    const auto rounded = (size + boundary - 1) / boundary * boundary;
    void* const memory = std::aligned_alloc(boundary, rounded < size ? size : rounded);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

/// All that the block has room for: a string that has become shorter has more in it than its size says.
void wipe_and_free(void* memory) noexcept
{
    if (memory == nullptr) return;
    ::explicit_bzero(memory, ::malloc_usable_size(memory));
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { wipe_and_free(memory); }
