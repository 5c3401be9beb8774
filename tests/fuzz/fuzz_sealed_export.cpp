// A sealed export that may come from anybody: its header, and chunks that somebody has changed on the way.
// What is given out is what was sealed, all of it, or there is an error; the key costs nothing here.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "server/admin/sealed_export.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin;
using namespace securelogin::admin;
using securelogin::fuzz::expect;

namespace {

constexpr std::size_t kMostSealed = 200'000;  // octets: three chunks and some
constexpr std::size_t kSealedChunk = ChunkCipher::kChunk + ChunkCipher::kTag;
const std::string kHeader(kSealedHeader, 'h');

Secret key() { return Secret::copy_of(std::string(auth::kPassphraseKey, 'k')); }

void read_header(std::string_view header)
{
    try {
        const auto cost = cost_of_key(header);
        expect(header.size() == kSealedHeader && header.starts_with(kSealedExport));
        expect(cost.memory_kib <= auth::kCeiling.memory_kib && cost.passes <= auth::kCeiling.passes);
        expect(cost.memory_kib >= auth::kFloor.memory_kib && cost.passes >= auth::kFloor.passes);
    } catch (const ExportError& error) {
        expect(std::string_view(error.what()).find('\n') == std::string_view::npos);
    }
}

/// What the input asks for, number by number; noughts at its end.
class Numbers {
  public:
    explicit Numbers(std::string_view octets) : octets_(octets) {}

    bool done() const { return octets_.empty(); }
    std::size_t next(std::size_t size)
    {
        std::size_t number = 0;
        const auto octets = octets_.substr(0, size);
        for (std::size_t i = 0; i < octets.size(); ++i)
            number |= std::size_t{static_cast<unsigned char>(octets[i])} << (8 * i);
        octets_.remove_prefix(octets.size());
        return number;
    }

  private:
    std::string_view octets_;
};

std::string seal(std::string_view plain)
{
    ChunkCipher cipher(key(), kHeader);
    std::string sealed;
    do {
        const auto chunk = plain.substr(0, ChunkCipher::kChunk);
        plain.remove_prefix(chunk.size());
        std::string octets(chunk.size() + ChunkCipher::kTag, '\0');
        cipher.seal(chunk, plain.empty(), octets);
        sealed += octets;
    } while (!plain.empty());
    return sealed;
}

void swap_chunks(std::string& sealed, std::size_t one, std::size_t other)
{
    const auto whole = sealed.size() / kSealedChunk;
    if (whole < 2) return;
    const auto from = std::min(one % whole, other % whole) * kSealedChunk;
    const auto to = std::max(one % whole, other % whole) * kSealedChunk;
    if (from == to) return;
    const auto at = [&](std::size_t place) { return sealed.begin() + static_cast<std::ptrdiff_t>(place); };
    std::swap_ranges(at(from), at(from + kSealedChunk), at(to));
}

void change(std::string& sealed, Numbers& numbers)
{
    const auto kind = numbers.next(1) % 7;
    const auto place = numbers.next(4);
    const auto other = numbers.next(1);
    const auto chunk = std::min(sealed.size(), place % 4 * kSealedChunk);
    if (kind == 1 && !sealed.empty()) sealed[place % sealed.size()] ^= static_cast<char>(other);
    if (kind == 2) sealed.resize(place % (sealed.size() + 1));
    if (kind == 3) sealed.append(other, static_cast<char>(place));
    if (kind == 4) swap_chunks(sealed, place, other);
    if (kind == 5) sealed.insert(chunk, sealed.substr(chunk, kSealedChunk));
    if (kind == 6) sealed.erase(chunk, kSealedChunk);
}

/// Nothing where there was an error.
std::optional<std::string> open(std::string_view sealed, std::size_t piece)
{
    SealedReader reader(key(), kHeader, [&](std::span<char> to) {
        const auto part = sealed.substr(0, std::min(to.size(), piece));
        std::ranges::copy(part, to.begin());
        sealed.remove_prefix(part.size());
        return part.size();
    });
    std::string plain;
    try {
        while (const auto chunk = reader.next()) plain += chunk->view();
        return plain;
    } catch (const ExportError&) {
        expect(!reader.next());
        return std::nullopt;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    read_header(input);

    Numbers numbers(input);
    const std::string plain(numbers.next(4) % kMostSealed, 'p');
    const auto sealed = seal(plain);
    auto changed = sealed;
    for (int changes = 0; changes < 4 && !numbers.done(); ++changes) change(changed, numbers);
    const auto opened = open(changed, 256 + numbers.next(2));
    expect(changed == sealed ? opened == plain : !opened);
    return 0;
}
