// What comes over the wire, in pieces of the sizes that the input itself names.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/line.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::LineBuffer;
using securelogin::fuzz::expect;

namespace {

/// Every line in `wire` up to the first error, as the plainest code finds them.
struct Expected {
    std::string lines;  // each ended by LF
    bool error = false;
};

Expected cut_plainly(std::string_view wire)
{
    Expected expected;
    while (!expected.error) {
        const auto lf = wire.find('\n');
        if (lf == std::string_view::npos) {
            // Too long already, whatever is still to come.
            const auto longest = securelogin::kLineLimit + (wire.ends_with('\r') ? 1 : 0);
            expected.error = wire.size() > longest;
            break;
        }
        auto line = wire.substr(0, lf);
        wire.remove_prefix(lf + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        expected.error = securelogin::check_line(line).has_value();
        if (!expected.error) expected.lines.append(line).append("\n");
    }
    return expected;
}

Expected cut_in_pieces(std::string_view wire, std::string_view sizes)
{
    LineBuffer buffer;
    Expected found;
    for (std::size_t piece = 0;; ++piece) {
        for (auto next = buffer.next(); next.line || next.error; next = buffer.next()) {
            if (next.error) {
                found.error = true;
                return found;
            }
            found.lines.append(next.line->view()).append("\n");
        }
        if (wire.empty()) return found;
        const auto space = buffer.space();
        expect(!space.empty());
        const auto wanted =
            sizes.empty() ? wire.size() : static_cast<unsigned char>(sizes[piece % sizes.size()]) + 1U;
        const auto size = std::min({space.size(), wire.size(), wanted});
        std::copy_n(wire.begin(), size, space.begin());
        buffer.received(size);
        wire.remove_prefix(size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto sizes = input.substr(0, input.empty() ? 0 : static_cast<unsigned char>(input.front()) % 8U);
    const auto wire = input.substr(sizes.size());
    const auto expected = cut_plainly(wire);
    const auto found = cut_in_pieces(wire, sizes);
    expect(found.lines == expected.lines);
    expect(found.error == expected.error);
    return 0;
}
