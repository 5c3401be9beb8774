// asker.hpp: one connection on which tokens are asked about, so many at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace securelogin::bench {

/// What is said on the connections, and how its answers are told.
struct Dialogue {
    std::string_view before;  // in front of the token
    std::string_view after;   // behind it
    std::string_view end;     // of an answer
    std::string_view yes;     // how a right answer begins
};
/// With the verify socket.
inline constexpr Dialogue kVerify{.before = "", .after = "\n", .end = "\n", .yes = R"({"valid":true,)"};
/// With bench_echo, which says it again.
inline constexpr Dialogue kEcho{.before = "", .after = "\n", .end = "\n", .yes = "slt_"};
/// With GET /verify, as nginx asks for a site by docs/proxies/nginx.conf; or with whatever else answers it
/// without content.
inline constexpr Dialogue kGuard{
    .before =
        "GET /verify HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-For: 192.0.2.7\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example.com\r\nX-Original-Method: GET\r\n"
        "X-Original-URL: https://app.example.com/page\r\nCookie: __Host-securelogin=",
    .after = "\r\n\r\n",
    .end = "\r\n\r\n",
    .yes = "HTTP/1.1 20"};
/// With a site behind nginx: a browser's request.
inline constexpr Dialogue kSite{
    .before = "GET /page HTTP/1.1\r\nHost: app.example.com\r\nCookie: __Host-securelogin=",
    .after = "\r\n\r\n",
    .end = "\r\n\r\nhello\n",
    .yes = "HTTP/1.1 200"};

/// All tokens one after the other.
class Tokens {
  public:
    explicit Tokens(std::uint32_t tokens);
    [[nodiscard]] std::string_view token(std::uint32_t number) const;
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

  private:
    std::uint32_t count_;
    std::string text_;
};

/// Where the server listens: at a Unix socket, else at a port of loopback.
struct Address {
    std::string socket = {};
    std::uint16_t port = 0;
};

class Asker {
  public:
    /// Connected when this returns.  Throws std::runtime_error.
    Asker(const Address& address, const Tokens& tokens, const Dialogue& dialogue, std::uint64_t seed);
    ~Asker();
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// Asks about so many tokens, chosen at random.
    void ask(unsigned count);
    /// Reads what is there; how many answers were whole.  Those that are not a yes are failures.
    [[nodiscard]] unsigned take_answers();
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

  private:
    [[nodiscard]] std::uint32_t next_number() noexcept;

    int descriptor_;
    const Tokens& tokens_;
    const Dialogue& dialogue_;
    std::uint64_t random_;
    std::uint64_t failures_ = 0;
    std::string unread_;
    std::string unsent_;
};

}  // namespace securelogin::bench
