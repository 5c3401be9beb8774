#include "client/server.hpp"

#include <algorithm>
#include <utility>

#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::chrono::seconds kSendPatience{30};
constexpr Deadline kDoNotWait{};  // long past

}  // namespace

void Server::broke_the_protocol(std::string_view what) const
{
    throw Failure(ExitCode::protocol, "talking to " + name_ + ": the server " + std::string(what) +
                                          ": is it securelogind, and no older than this client?");
}

Reply Server::next_reply(std::chrono::milliseconds patience)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    Reply reply{};
    for (;;) {
        const auto line = next_line(deadline);
        const auto parsed = parse_reply_line(line.view());
        if (!parsed) broke_the_protocol("sent a line that is not a reply");
        if (reply.facts.empty()) reply.code = parsed->code;
        if (parsed->code != reply.code) broke_the_protocol("changed the digits within a reply");
        if (parsed->last) {
            reply.text = parsed->text;
            return reply;
        }
        if (reply.facts.size() == kMostFacts) broke_the_protocol("sent a reply without end");
        reply.facts.emplace_back(parsed->key, parsed->text);
    }
}

void Server::send(std::string_view line)
{
    Secret wired(line.size() + 1);
    const auto end = std::ranges::copy(line, wired.chars().begin()).out;
    *end = '\n';
    try {
        wire_.write(wired.view(), std::chrono::steady_clock::now() + kSendPatience);
    } catch (const ConnectionLost&) {
        // A server that closes says why first (421), and our line may have crossed that on its way.
        if (!has_spoken()) throw;
    }
}

bool Server::has_spoken()
{
    if (ahead_ || lost_) return true;
    try {
        for (;;) {
            ahead_ = take_line();
            if (ahead_) return true;
            const auto count = wire_.read(buffer_.space(), kDoNotWait);
            if (count == 0) return false;
            buffer_.received(count);
        }
    } catch (const ConnectionLost& lost) {
        lost_ = lost;
        return true;
    }
}

Secret Server::next_line(Deadline deadline)
{
    for (;;) {
        if (auto line = ahead_ ? std::exchange(ahead_, std::nullopt) : take_line()) return std::move(*line);
        if (lost_) throw ConnectionLost(*lost_);
        receive(deadline);
    }
}

std::optional<Secret> Server::take_line()
{
    auto next = buffer_.next();
    if (next.error)
        broke_the_protocol("sent what may not be sent (" + std::string(describe(*next.error)) + ")");
    return std::move(next.line);
}

void Server::receive(Deadline deadline)
{
    const auto count = wire_.read(buffer_.space(), deadline);
    if (count == 0) {
        throw ConnectionLost(
            ExitCode::unavailable,
            "talking to " + name_ + ": no answer in time: try again, or look at the server's log");
    }
    buffer_.received(count);
}

}  // namespace securelogin::client
