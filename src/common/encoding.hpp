// encoding.hpp: values as octets, so that no two lists of values make the same octets.  Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace securelogin {

template <typename Integer>
void append_big_endian(std::string& out, Integer value)
{
    for (std::size_t shift = 8 * sizeof value; shift > 0; shift -= 8) {
        out += static_cast<char>((value >> (shift - 8)) & 0xFFU);
    }
}

/// With its length (4 octets) in front: where it ends does not depend on what it holds.
inline void append_field(std::string& out, std::string_view field)
{
    append_big_endian(out, static_cast<std::uint32_t>(field.size()));
    out += field;
}

}  // namespace securelogin
