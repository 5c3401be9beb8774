// What a server, a hostile one perhaps, sends to the client.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/reply.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto parsed = securelogin::parse_reply_line(line);
    if (!parsed) return 0;

    expect(parsed->code >= 100 && parsed->code <= 999);
    expect(parsed->last == parsed->key.empty());
    expect(parsed->key.find(' ') == std::string_view::npos);
    // Writing what was read gives the line again; a key without a value gains its blank.
    const auto start = std::to_string(parsed->code) + (parsed->last ? ' ' : '-') + std::string(parsed->key);
    auto again = start + (parsed->last ? "" : " ") + std::string(parsed->text);
    if (!parsed->last && line.size() == start.size()) again.pop_back();
    expect(again == line);
    return 0;
}
