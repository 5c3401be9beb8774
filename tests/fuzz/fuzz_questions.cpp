// What programs of this host ask about tokens, in pieces of the sizes that the input itself names.  The lines
// are the same however they come, and what has been answered is gone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/verify/questions.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;
using securelogin::verify::kLongestQuestion;
using securelogin::verify::Questions;

namespace {

/// The lines in front of the first that is too long.
struct Expected {
    std::string lines;  // each ended by LF
    bool too_long = false;
    bool unfinished = false;
};

/// As the plainest code finds them.
Expected cut_plainly(std::string_view octets)
{
    Expected expected;
    for (;;) {
        const auto lf = octets.find('\n');
        if (lf == std::string_view::npos) break;
        auto line = octets.substr(0, lf);
        if (line.ends_with('\r')) line.remove_suffix(1);
        expected.too_long = line.size() > kLongestQuestion;
        if (expected.too_long) return expected;
        expected.lines.append(line).append("\n");
        octets.remove_prefix(lf + 1);
    }
    expected.too_long = octets.size() > kLongestQuestion + 1;  // whatever is still to come
    expected.unfinished = !octets.empty();
    return expected;
}

Expected cut_in_pieces(std::string_view octets, std::string_view sizes)
{
    Questions questions;
    Expected found;
    for (std::size_t piece = 0; !octets.empty() && !questions.too_long(); ++piece) {
        const auto space = questions.space();
        expect(!space.empty() && std::ranges::all_of(space, [](char octet) { return octet == '\0'; }));
        const auto wanted =
            sizes.empty() ? octets.size() : static_cast<unsigned char>(sizes[piece % sizes.size()]) + 1U;
        const auto size = std::min({space.size(), octets.size(), wanted});
        std::copy_n(octets.begin(), size, space.begin());
        questions.received(size);
        octets.remove_prefix(size);
        while (const auto line = questions.next()) found.lines.append(*line).append("\n");
    }
    found.too_long = questions.too_long();
    found.unfinished = !questions.empty();
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto sizes = input.substr(0, input.empty() ? 0 : static_cast<unsigned char>(input.front()) % 8U);
    const auto octets = input.substr(sizes.size());
    const auto expected = cut_plainly(octets);
    const auto found = cut_in_pieces(octets, sizes);
    expect(found.lines == expected.lines);
    expect(found.too_long == expected.too_long);
    expect(found.too_long || found.unfinished == expected.unfinished);
    return 0;
}
