#include "bench/verify/asker.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "bench/verify/tokens.hpp"
#include "server/auth/token.hpp"

namespace securelogin::bench {
namespace {

constexpr std::size_t kLine = auth::kTokenLength + 1;

[[noreturn]] void fail(const std::string& doing)
{
    throw std::runtime_error(doing + ": " + std::strerror(errno));
}

}  // namespace

TokenLines::TokenLines(std::uint32_t tokens) : count_(tokens)
{
    text_.reserve(tokens * kLine);
    for (std::uint32_t number = 0; number < tokens; ++number) {
        text_ += token_of(number).view();
        text_ += '\n';
    }
}

std::string_view TokenLines::line(std::uint32_t number) const
{
    return std::string_view(text_).substr(number * kLine, kLine);
}

Asker::Asker(const std::string& path, const TokenLines& tokens, bool echo, std::uint64_t seed)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      tokens_(tokens),
      yes_(echo ? "slt_" : R"({"valid":true,)"),
      random_(seed * 2 + 1)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (descriptor_ < 0 ||
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("connecting to " + path);
    }
}

Asker::~Asker() { ::close(descriptor_); }

/// xorshift64*: the machine has more to do than to draw numbers.
std::uint32_t Asker::next_number() noexcept
{
    random_ ^= random_ >> 12U;
    random_ ^= random_ << 25U;
    random_ ^= random_ >> 27U;
    return static_cast<std::uint32_t>((random_ * 0x2545F4914F6CDD1DU) >> 32U) % tokens_.count();
}

void Asker::ask(unsigned count)
{
    unsent_.clear();
    for (unsigned i = 0; i < count; ++i) unsent_ += tokens_.line(next_number());
    std::string_view rest = unsent_;
    while (!rest.empty()) {
        const auto sent = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0) fail("asking");
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

unsigned Asker::take_answers()
{
    std::array<char, 16384> octets;
    const auto count = ::recv(descriptor_, octets.data(), octets.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) throw std::runtime_error("reading answers: the server has closed");
    unread_.append(octets.data(), static_cast<std::size_t>(count));
    std::string_view rest = unread_;
    unsigned answers = 0;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        ++answers;
        if (!rest.starts_with(yes_)) ++failures_;
        rest.remove_prefix(end + 1);
    }
    unread_.erase(0, unread_.size() - rest.size());
    return answers;
}

}  // namespace securelogin::bench
