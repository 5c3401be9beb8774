#include "bench/verify/asker.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

[[noreturn]] void fail(const std::string& doing)
{
    throw std::runtime_error(doing + ": " + std::strerror(errno));
}

int connect(int family, const void* address, socklen_t size, const std::string& name)
{
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || ::connect(descriptor, static_cast<const sockaddr*>(address), size) != 0) {
        fail("connecting to " + name);
    }
    return descriptor;
}

int connect(const Address& to)
{
    if (!to.socket.empty()) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        to.socket.copy(address.sun_path, sizeof address.sun_path - 1);
        return connect(AF_UNIX, &address, sizeof address, to.socket);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int descriptor = connect(AF_INET, &address, sizeof address, "port " + std::to_string(to.port));
    const int on = 1;
    if (::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("setting up a socket");
    return descriptor;
}

}  // namespace

Tokens::Tokens(std::uint32_t tokens) : count_(tokens)
{
    text_.reserve(tokens * auth::kTokenLength);
    for (std::uint32_t number = 0; number < tokens; ++number) text_ += token_of(number).view();
}

std::string_view Tokens::token(std::uint32_t number) const
{
    return std::string_view(text_).substr(number * auth::kTokenLength, auth::kTokenLength);
}

Asker::Asker(const Address& address, const Tokens& tokens, const Dialogue& dialogue, std::uint64_t seed)
    : descriptor_(connect(address)), tokens_(tokens), dialogue_(dialogue), random_(seed * 2 + 1)
{
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
    for (unsigned i = 0; i < count; ++i) {
        unsent_ += dialogue_.before;
        unsent_ += tokens_.token(next_number());
        unsent_ += dialogue_.after;
    }
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
    for (auto end = rest.find(dialogue_.end); end != rest.npos; end = rest.find(dialogue_.end)) {
        ++answers;
        if (!rest.starts_with(dialogue_.yes)) ++failures_;
        rest.remove_prefix(end + dialogue_.end.size());
    }
    unread_.erase(0, unread_.size() - rest.size());
    return answers;
}

}  // namespace securelogin::bench
