#include "bench/load/conversation.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "common/reply.hpp"

namespace securelogin::bench {
namespace asio = boost::asio;
namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadSize = 1024;  // octets

/// The next line, without its ending; `text` goes on after it.  Nothing when there is no whole one.
std::optional<std::string_view> cut_line(std::string_view& text)
{
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
}

std::chrono::seconds seconds_in(std::string_view text)
{
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{}) throw Unexpected("not a number of seconds: " + std::string(text));
    return std::chrono::seconds(seconds);
}

/// Takes the first reply out of `received`; nothing when more is needed.
std::optional<Answer> take_reply(std::string& received)
{
    Answer answer;
    std::string_view rest = received;
    while (const auto line = cut_line(rest)) {
        const auto parsed = parse_reply_line(*line);
        if (!parsed) throw Unexpected("not a reply: " + std::string(*line));
        if (parsed->key == "retry-after") answer.retry_after = seconds_in(parsed->text);
        if (!parsed->last) continue;
        answer.code = parsed->code;
        answer.last = *line;
        received.erase(0, received.size() - rest.size());
        return answer;
    }
    return std::nullopt;
}

}  // namespace

asio::awaitable<Answer> Conversation::next()
{
    for (;;) {
        auto answer = take_reply(received_);
        if (answer) co_return std::move(*answer);
        const bool more = co_await receive();
        if (!more) throw Unexpected("the server closed where a reply was expected");
    }
}

asio::awaitable<void> Conversation::expect(int code)
{
    const auto answer = co_await next();
    if (answer.code != code) throw Unexpected("expected " + std::to_string(code) + ": " + answer.last);
}

asio::awaitable<void> Conversation::send(std::string line)
{
    line += "\r\n";
    const auto buffer = asio::buffer(line);
    const auto [error, count] = co_await asio::async_write(stream_, buffer, kResult);
    if (error) throw boost::system::system_error(error, "sending");
}

asio::awaitable<void> Conversation::expect_end()
{
    const bool more = co_await receive();
    if (more) throw Unexpected("expected the end: " + received_);
}

asio::awaitable<bool> Conversation::receive()
{
    std::array<char, kReadSize> octets{};
    const auto buffer = asio::buffer(octets);
    const auto [error, count] = co_await stream_.async_read_some(buffer, kResult);
    if (error == asio::error::eof) co_return false;
    if (error) throw boost::system::system_error(error, "receiving");
    received_.append(octets.data(), count);
    co_return true;
}

}  // namespace securelogin::bench
