// text_input.hpp: a file read from its start to its end, whatever its size, and where we are in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "server/descriptor.hpp"

namespace securelogin::admin {

/// That some programs put in front of UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class TextInput {
  public:
    static constexpr int kEnd = -1;

    /// Throws Failure: there is none, it cannot be read, it is a directory.
    [[nodiscard]] static TextInput open(const std::filesystem::path& file);
    /// A text that is at hand.
    explicit TextInput(std::string_view text);
    ~TextInput();
    TextInput(TextInput&&) noexcept;
    TextInput& operator=(TextInput&&) = delete;

    /// The next octet, or kEnd.  Throws Failure.
    int get()
    {
        if (at_ == filled_ && !fill()) return kEnd;
        return static_cast<unsigned char>(buffer_[at_++]);
    }
    /// The same, which stays the next.
    int peek()
    {
        if (at_ == filled_ && !fill()) return kEnd;
        return static_cast<unsigned char>(buffer_[at_]);
    }
    /// What is at hand of what comes next; nothing says nothing.
    [[nodiscard]] std::string_view at_hand() const noexcept { return {buffer_.get() + at_, filled_ - at_}; }
    /// REQUIRES: count <= at_hand().size()
    void skip(std::size_t count) noexcept { at_ += count; }
    /// What is there at the moment of what comes next, at most `kBufferSize` octets; all of a smaller file.
    /// Before anything has been taken.
    [[nodiscard]] std::string_view look_ahead();

    enum class Line { whole, too_long, none };
    /// The next line, without its LF or CRLF.  Of one that is longer than kLongestRow, the start; the rest is
    /// passed over.
    [[nodiscard]] Line next_line(std::string& line);

    [[nodiscard]] std::uint64_t position() const noexcept { return before_ + at_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // nought where it cannot be told

  private:
    static constexpr std::size_t kBufferSize = 65536;
    TextInput(Descriptor file, std::filesystem::path path, std::uint64_t size);
    bool fill();

    Descriptor file_;
    std::filesystem::path path_;
    std::unique_ptr<char[]> buffer_;
    std::size_t at_ = 0;
    std::size_t capacity_ = kBufferSize;
    std::size_t filled_ = 0;
    std::uint64_t before_ = 0;  // octets of the file before the buffer
    std::uint64_t size_ = 0;
};

}  // namespace securelogin::admin
