#include "client/line_input.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace securelogin::client {

LineInput::Next LineInput::next(std::span<const Watch> watches)
{
    for (;;) {
        if (std::ranges::any_of(watches, [](const Watch& watch) { return watch.fired(); })) {
            return {.answer = {Answer::Kind::server_spoke}, .malformed = {}};
        }
        if (auto next = take()) return std::move(*next);
        if (wait(watches)) read_some();
    }
}

bool LineInput::wait(std::span<const Watch> watches) const
{
    std::vector<pollfd> waiting{{.fd = descriptor_, .events = POLLIN, .revents = 0}};
    for (const auto& watch : watches) {
        waiting.push_back({.fd = watch.descriptor, .events = watch.events, .revents = 0});
    }
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
        if (errno == EINTR) return false;
        throw std::system_error(errno, std::generic_category(), "waiting for an answer");
    }
    // A watch goes first: what it tells may make the answer pointless.
    return std::none_of(waiting.begin() + 1, waiting.end(),
                        [](const pollfd& other) { return other.revents != 0; });
}

void LineInput::read_some()
{
    const auto space = buffer_.space();
    const auto count = ::read(descriptor_, space.data(), space.size());
    if (count > 0) return buffer_.received(static_cast<std::size_t>(count));
    // EIO: the terminal has gone, or is no longer ours to read.
    if (count < 0 && errno != EINTR && errno != EAGAIN && errno != EIO) {
        throw std::system_error(errno, std::generic_category(), "reading an answer");
    }
    ended_ = count == 0 || errno == EIO;
}

std::optional<LineInput::Next> LineInput::take()
{
    auto next = buffer_.next();
    if (!next.line && !next.error && ended_ && buffer_.pending() > 0) {
        buffer_.space().front() = '\n';
        buffer_.received(1);
        next = buffer_.next();
    }
    if (next.error) {
        buffer_ = LineBuffer();
        return Next{.answer = {Answer::Kind::end_of_input}, .malformed = next.error};
    }
    if (next.line) return Next{.answer = {Answer::Kind::given, std::move(*next.line)}, .malformed = {}};
    if (!ended_) return std::nullopt;
    ended_ = false;  // on a terminal, ctrl-D ends one question and not those after it
    return Next{.answer = {Answer::Kind::end_of_input}, .malformed = {}};
}

}  // namespace securelogin::client
