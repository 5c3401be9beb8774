#include "server/auth/breached_passwords.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <optional>
#include <system_error>
#include <vector>

#include "common/openssl.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kDigits = 2 * std::tuple_size_v<Sha1>;  // of a hash
constexpr std::size_t kMostDigitsOfACount = 20;

static_assert(kDigits + 1 + kMostDigitsOfACount + 2 <= BreachedPasswords::kLongestLine);

/// Lines that start in one block's stride are whole in one read: it begins an octet before, to see whether
/// a line starts there, and goes on for as long as the longest line is.
constexpr std::uint64_t kStride = BreachedPasswords::kBlock - BreachedPasswords::kLongestLine - 1;

constexpr Sha1 kLowest{};
constexpr Sha1 kHighest = [] {
    Sha1 all{};
    all.fill(0xFF);
    return all;
}();

std::optional<std::uint8_t> digit(char c) noexcept
{
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

/// Nothing when `line`, without its ending, is not of the form.
std::optional<Sha1> parse(std::string_view line) noexcept
{
    if (line.size() < kDigits + 2 || line.size() > kDigits + 1 + kMostDigitsOfACount) return std::nullopt;
    Sha1 hash{};
    for (std::size_t at = 0; at < hash.size(); ++at) {
        const auto high = digit(line[2 * at]);
        const auto low = digit(line[2 * at + 1]);
        if (!high || !low) return std::nullopt;
        hash.at(at) = static_cast<std::uint8_t>((*high << 4U) | *low);
    }
    const auto is_decimal = [](char c) { return c >= '0' && c <= '9'; };
    if (line[kDigits] != ':' || !std::ranges::all_of(line.substr(kDigits + 1), is_decimal)) {
        return std::nullopt;
    }
    return hash;
}

/// The first 64 bits: as good as the whole for telling where a hash is to be expected.
double position(const Sha1& hash) noexcept
{
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < sizeof value; ++at) value = (value << 8U) | hash.at(at);
    return static_cast<double>(value);
}

}  // namespace

Sha1 sha1_of(std::string_view password)
{
    Sha1 hash{};
    unsigned size = 0;
    if (EVP_Digest(password.data(), password.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1 ||
        size != hash.size()) {
        throw OpenSslError("hashing a password with SHA-1");
    }
    return hash;
}

/// The lines that start in one block, in order; none only behind the last line of the file.
struct BreachedPasswords::Lines {
    std::vector<Sha1> hashes;
};

/// Where a hash may be: the blocks from `begin` to before `end`, between what stands before and after.
struct BreachedPasswords::Range {
    std::uint64_t begin;
    std::uint64_t end;
    Sha1 before = kLowest;
    Sha1 after = kHighest;

    [[nodiscard]] std::uint64_t blocks() const noexcept { return end - begin; }
    [[nodiscard]] std::uint64_t middle() const noexcept { return begin + blocks() / 2; }
    /// A block near which `hash` is, if hashes are spread evenly.
    [[nodiscard]] std::uint64_t expected(const Sha1& hash) const noexcept
    {
        const double width = position(after) - position(before);
        if (!(width > 0)) return middle();
        const auto all = static_cast<double>(blocks());
        const double there = std::clamp((position(hash) - position(before)) / width, 0.0, 1.0) * all;
        const double guess = beyond(there, all - there);
        return begin + std::min(static_cast<std::uint64_t>(std::max(guess, 0.0)), blocks() - 1);
    }

  private:
    /// Near one end, a little further from it than expected: what is then found behind the hash leaves few
    /// blocks between the two, where a guess that falls short would leave all the others.  As far as hashes
    /// that are drawn at random may be from where they are expected, and some.
    [[nodiscard]] static double beyond(double from_begin, double from_end) noexcept
    {
        constexpr double few = 16;  // blocks
        constexpr double near = 8;  // times as far from the other end
        const auto margin = [](double distance) { return 1 + std::sqrt(distance) / 2; };
        if (from_begin + from_end <= few) return from_begin;
        if (from_begin * near < from_end) return from_begin + margin(from_begin);
        if (from_end * near < from_begin) return from_begin - margin(from_end);
        return from_begin;
    }
};

BreachedPasswords::BreachedPasswords(const std::filesystem::path& file) : file_(file)
{
    // A FIFO in its place is not to keep anybody waiting.
    descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const auto fail = [&](const std::string& why) {
        if (descriptor_ >= 0) ::close(descriptor_);
        throw BreachedPasswordsError(file.string() + ": opening the list of breached passwords: " + why);
    };
    if (descriptor_ < 0) fail(std::generic_category().message(errno));
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) fail(std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode)) fail("it is no regular file");
    if (status.st_size <= 0) fail("it is empty");
    size_ = static_cast<std::uint64_t>(status.st_size);
    blocks_ = (size_ + kStride - 1) / kStride;
    // Whatever lies beside what is read is of no use to anybody.
    (void)::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_RANDOM);
    try {
        check_samples();
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

BreachedPasswords::~BreachedPasswords() { ::close(descriptor_); }

bool BreachedPasswords::has(const Secret& password) const
{
    struct Hash {
        Sha1 octets;
        ~Hash()
        {
            wipe({reinterpret_cast<char*>(octets.data()), octets.size()});
        }  // it gives the password away
    };
    const Hash hash{sha1_of(password.view())};
    try {
        return find(hash.octets).found;
    } catch (const BreachedPasswordsError&) {
        // Not where: that is where such a hash would be.
        throw BreachedPasswordsError(
            file_.string() +
            ": reading the list of breached passwords: it cannot be read, was cut short "
            "or is not sorted: securelogind --check looks at it");
    }
}

int BreachedPasswords::most_reads() const noexcept
{
    // By halves it takes as many as the number of blocks has bits; one more leaves room for a guess.
    return std::max(kFewestReads, static_cast<int>(std::bit_width(blocks_)) + 1);
}

BreachedPasswords::Search BreachedPasswords::find(const Sha1& hash) const
{
    Range range{.begin = 0, .end = blocks_};
    int reads = 0;
    while (range.blocks() > 0) {
        // A guess that is no good costs one read: only while halves would still do afterwards.
        const auto left = most_reads() - reads;
        const bool may_guess = static_cast<int>(std::bit_width(range.blocks())) < left;
        const auto block = may_guess ? range.expected(hash) : range.middle();
        const auto lines = read(block);
        ++reads;
        require_order(range, block, lines);
        if (lines.hashes.empty() || hash < lines.hashes.front()) {
            range.end = block;
            if (!lines.hashes.empty()) range.after = lines.hashes.front();
        } else if (hash > lines.hashes.back()) {
            range.begin = block + 1;
            range.before = lines.hashes.back();
        } else {
            return {.found = std::ranges::binary_search(lines.hashes, hash), .reads = reads};
        }
    }
    return {.found = false, .reads = reads};
}

/// The lines that start in `block`.  Throws where one is not of the form, or not after the one before.
BreachedPasswords::Lines BreachedPasswords::read(std::uint64_t block) const
{
    const auto start = block * kStride;
    const auto offset = start - (start > 0 ? 1 : 0);
    std::array<char, kBlock> octets{};
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, size_ - offset));
    std::size_t count = 0;
    while (count < wanted) {
        const auto got =
            ::pread(descriptor_, octets.data() + count, wanted - count, static_cast<off_t>(offset + count));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse(offset, std::generic_category().message(errno));
        if (got == 0) refuse(offset, "it has been cut short");
        count += static_cast<std::size_t>(got);
    }

    std::string_view rest(octets.data(), count);
    if (start > 0) {
        const auto line_before = rest.find('\n');
        rest.remove_prefix(line_before == std::string_view::npos ? rest.size() : line_before + 1);
    }
    const auto where = [&] { return offset + static_cast<std::uint64_t>(rest.data() - octets.data()); };
    Lines lines;
    while (!rest.empty() && where() < start + kStride) {
        const auto length = rest.find('\n');
        const bool at_end = length == std::string_view::npos;
        if (at_end && offset + count < size_) refuse(where(), "a line is too long");
        auto line = rest.substr(0, length);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto hash = parse(line);
        if (!hash) refuse(where(), "not 40 hexadecimal digits in upper case, a colon and a number");
        if (!lines.hashes.empty() && *hash <= lines.hashes.back()) refuse(where(), "it is not sorted");
        lines.hashes.push_back(*hash);
        rest.remove_prefix(at_end ? rest.size() : length + 1);
    }
    const bool behind_the_last = start + kStride >= size_;
    if (lines.hashes.empty() && !behind_the_last) refuse(start, "a line is too long");
    return lines;
}

void BreachedPasswords::require_order(const Range& range, std::uint64_t block, const Lines& lines) const
{
    if (lines.hashes.empty()) return;
    const bool after_what_is_before = range.begin == 0 || lines.hashes.front() > range.before;
    const bool before_what_is_after =
        range.end == blocks_ || lines.hashes.back() < range.after || range.after == kHighest;
    if (!after_what_is_before || !before_what_is_after) refuse(block * kStride, "it is not sorted");
}

/// A file of another kind, or in another order, is found out before anybody relies on it.
void BreachedPasswords::check_samples() const
{
    Range range{.begin = 0, .end = blocks_};
    for (int sample = 0; sample < kSamples; ++sample) {
        const auto block = (blocks_ - 1) * static_cast<std::uint64_t>(sample) / (kSamples - 1);
        if (block < range.begin) continue;  // a small file: it has been looked at
        const auto lines = read(block);
        require_order(range, block, lines);
        range.begin = block + 1;
        if (!lines.hashes.empty()) range.before = lines.hashes.back();
    }
}

void BreachedPasswords::refuse(std::uint64_t offset, const std::string& why) const
{
    throw BreachedPasswordsError(file_.string() + ": reading the list of breached passwords, at octet " +
                                 std::to_string(offset) + ": " + why +
                                 ": give a list of SHA-1 hashes that is sorted by hash");
}

}  // namespace securelogin::auth
