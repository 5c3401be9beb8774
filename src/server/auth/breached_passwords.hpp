// breached_passwords.hpp: passwords that are known from others' leaks, in a file that is searched where it
// lies.
//
// The file is one line a password, in the form in which such lists are published: the SHA-1 of the password
// as 40 hexadecimal digits in upper case, a colon, and a decimal count; ended by LF or CR LF; sorted by the
// digits, none twice.  It may have any size: nothing of it is kept in memory.
//
// A look-up reads kBlock octets at a time, where the hash is to be expected among hashes that are spread
// evenly, and by halves where they are not: at most most_reads() of them, which is kFewestReads in a file of
// 1 GB, and four or five as a rule.  What a read shows is checked for its form and its order, so that a file
// that is not sorted is an error and never a no.
//
// The file is opened once, and read with pread(2): it may be out of reach or replaced afterwards.  One that
// is cut short or written over meanwhile is an error.  Immutable; any thread.  Blocking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::auth {

/// The file cannot be read, or is not of that form.  Names the file, and where in it.  Whoever meets it does
/// not know whether a password is in the list, and refuses.
class BreachedPasswordsError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// As it stands in the file.
using Sha1 = std::array<std::uint8_t, 20>;
[[nodiscard]] Sha1 sha1_of(std::string_view password);

class BreachedPasswords {
  public:
    static constexpr std::size_t kBlock = 4096;      // octets of one read
    static constexpr std::size_t kLongestLine = 64;  // octets, with its ending
    static constexpr int kFewestReads = 20;          // that most_reads() allows, however small the file

    /// Opens `file`, and looks at its form in kSamples places from its start to its end.  Throws
    /// BreachedPasswordsError.
    explicit BreachedPasswords(const std::filesystem::path& file);
    ~BreachedPasswords();
    BreachedPasswords(const BreachedPasswords&) = delete;
    BreachedPasswords& operator=(const BreachedPasswords&) = delete;

    /// Whether the list has `password`.  Throws BreachedPasswordsError.
    [[nodiscard]] bool has(const Secret& password) const;

    struct Search {
        bool found;
        int reads;  // that it took
    };
    [[nodiscard]] Search find(const Sha1& hash) const;

    /// No look-up takes more.
    [[nodiscard]] int most_reads() const noexcept;

  private:
    static constexpr int kSamples = 33;
    struct Lines;
    struct Range;

    [[nodiscard]] Lines read(std::uint64_t block) const;
    void require_order(const Range& range, std::uint64_t block, const Lines& lines) const;
    void check_samples() const;
    [[noreturn]] void refuse(std::uint64_t offset, const std::string& why) const;

    const std::filesystem::path file_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;    // octets
    std::uint64_t blocks_ = 0;  // that lines start in
};

}  // namespace securelogin::auth
