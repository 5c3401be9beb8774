#include "common/stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string>

namespace securelogin {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Error = boost::system::error_code;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

class StreamTest : public testing::Test {
  protected:
    StreamTest()
    {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::runtime_error("socketpair");
        const asio::generic::stream_protocol protocol(AF_UNIX, 0);
        near_.emplace(Stream::Socket(io_, protocol, ends[0]));
        far_.emplace(Stream::Socket(io_, protocol, ends[1]));
    }

    void run(asio::awaitable<void> story)
    {
        std::exception_ptr ended;
        asio::co_spawn(io_, std::move(story), [&](std::exception_ptr error) { ended = error; });
        io_.run();
        if (ended) std::rethrow_exception(ended);
    }

    asio::io_context io_;
    std::optional<Stream> near_;
    std::optional<Stream> far_;
};

asio::awaitable<void> echo(Stream& near, Stream& far)
{
    const std::string sent = "hello";
    const auto out = asio::buffer(sent);
    const auto [write_error, written] = co_await asio::async_write(near, out, kResult);
    EXPECT_FALSE(write_error);
    const auto [wait_error] = co_await far.async_wait_readable(kResult);
    EXPECT_FALSE(wait_error);
    std::string received(written, '\0');
    const auto in = asio::buffer(received);
    const auto [read_error, count] = co_await asio::async_read(far, in, kResult);
    EXPECT_FALSE(read_error);
    EXPECT_EQ(received, sent);
}

TEST_F(StreamTest, CarriesBytes) { run(echo(*near_, *far_)); }

asio::awaitable<void> read_past_deadline(Stream& near)
{
    near.expires_at(Clock::now() + 20ms);
    char byte = 0;
    const auto in = asio::buffer(&byte, 1);
    const auto [error, count] = co_await near.async_read_some(in, kResult);
    EXPECT_EQ(error, asio::error::timed_out);
    const auto [again, none] = co_await near.async_read_some(in, kResult);
    EXPECT_EQ(again, asio::error::timed_out) << "until a new deadline is set";
    const auto [waited] = co_await near.async_wait_readable(kResult);
    EXPECT_EQ(waited, asio::error::timed_out);
}

TEST_F(StreamTest, TheDeadlineHoldsUntilANewOneIsSet) { run(read_past_deadline(*near_)); }

asio::awaitable<void> outlive_first_deadline(Stream& near, Stream& far)
{
    near.expires_at(Clock::now() + 1ms);
    near.expires_at(Clock::now() + 10s);
    asio::steady_timer pause(near.get_executor(), 20ms);
    co_await pause.async_wait(kResult);
    const std::string sent = "x";
    const auto out = asio::buffer(sent);
    co_await asio::async_write(far, out, kResult);
    char byte = 0;
    const auto in = asio::buffer(&byte, 1);
    const auto [error, count] = co_await near.async_read_some(in, kResult);
    EXPECT_FALSE(error);
    near.expires_at(Clock::now());
}

TEST_F(StreamTest, ANewDeadlineTakesThePlaceOfTheOld) { run(outlive_first_deadline(*near_, *far_)); }

asio::awaitable<void> expire(Stream& near, Clock::time_point first, Clock::time_point then)
{
    near.expires_at(first);
    near.expires_at(then);
    char byte = 0;
    const auto in = asio::buffer(&byte, 1);
    const auto [error, count] = co_await near.async_read_some(in, kResult);
    EXPECT_EQ(error, asio::error::timed_out);
    EXPECT_GE(Clock::now(), then);
}

TEST_F(StreamTest, ADeadlineThatIsPutOffPassesLater)
{
    const auto now = Clock::now();
    run(expire(*near_, now + 5ms, now + 40ms));
}

TEST_F(StreamTest, ADeadlineThatIsBroughtForwardPassesSooner)
{
    const auto now = Clock::now();
    run(expire(*near_, now + 1h, now + 20ms));
}

asio::awaitable<void> write_at_once(Stream& near, Stream& far)
{
    const std::string sent(1'000'000, 'x');
    std::size_t written = 0;
    Error error;
    while (!error) written += near.try_write_some(asio::buffer(sent), error);
    EXPECT_EQ(error, asio::error::would_block) << "nobody reads";
    std::string received(written, '\0');
    const auto in = asio::buffer(received);
    const auto [read_error, count] = co_await asio::async_read(far, in, kResult);
    EXPECT_FALSE(read_error);
    EXPECT_EQ(near.try_write_some(asio::buffer("y", 1), error), 1U);
    EXPECT_FALSE(error);
}

TEST_F(StreamTest, WritesAtOnceWhatThereIsRoomFor) { run(write_at_once(*near_, *far_)); }

asio::awaitable<void> trickle(Stream& far)
{
    for (;;) {
        const auto out = asio::buffer("x", 1);
        const auto [error, count] = co_await far.async_write_some(out, kResult);
        if (error) co_return;
        asio::steady_timer pause(far.get_executor(), 2ms);
        co_await pause.async_wait(kResult);
    }
}

asio::awaitable<void> read_a_trickle(Stream& near)
{
    near.expires_at(Clock::now() + 30ms);
    std::array<char, 100'000> sink{};
    const auto in = asio::buffer(sink);
    const auto [error, count] = co_await asio::async_read(near, in, kResult);
    EXPECT_EQ(error, asio::error::timed_out);
    EXPECT_GT(count, 0U);
    near.socket().close();
}

TEST_F(StreamTest, BytesDoNotExtendTheDeadline)
{
    asio::co_spawn(io_, trickle(*far_), asio::detached);
    run(read_a_trickle(*near_));
}

asio::awaitable<void> read_an_end(Stream& near, Stream& far)
{
    far.socket().close();
    char byte = 0;
    const auto in = asio::buffer(&byte, 1);
    const auto [error, count] = co_await near.async_read_some(in, kResult);
    EXPECT_EQ(error, asio::error::eof);
}

TEST_F(StreamTest, AnEndIsAnEnd) { run(read_an_end(*near_, *far_)); }

asio::awaitable<void> close_over_unread_bytes(Stream& near, Stream& far)
{
    const std::string unread(10'000, 'x');
    const auto pushed = asio::buffer(unread);
    co_await asio::async_write(far, pushed, kResult);
    const std::string farewell = "bye";
    const auto out = asio::buffer(farewell);
    co_await asio::async_write(near, out, kResult);
    near.expires_at(Clock::now() + 20ms);
    const auto [ended] = co_await near.async_close(kResult);
    EXPECT_EQ(ended, asio::error::timed_out) << "the peer has not closed";
    std::string received;
    const auto in = asio::dynamic_buffer(received);
    const auto [error, count] = co_await asio::async_read(far, in, kResult);
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_EQ(received, farewell);
}

TEST_F(StreamTest, ClosingSaysGoodbyeAndIsBounded) { run(close_over_unread_bytes(*near_, *far_)); }

asio::awaitable<void> wait_for_ever(Stream& near, Error& ended)
{
    const auto [error] = co_await near.async_wait_readable(kResult);
    ended = error;
}

TEST_F(StreamTest, CancelEndsWhatWaits)
{
    Error ended;
    asio::co_spawn(io_, wait_for_ever(*near_, ended), asio::detached);
    asio::post(io_, [&] { near_->cancel(); });
    io_.run();
    EXPECT_EQ(ended, asio::error::operation_aborted);
}

}  // namespace
}  // namespace securelogin
