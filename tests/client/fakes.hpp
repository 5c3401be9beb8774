// fakes.hpp: a server and a person that follow a script.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/answers.hpp"
#include "client/display.hpp"
#include "client/failure.hpp"
#include "client/wire.hpp"

namespace securelogin::client {

/// Ends a turn with the end of the connection.
inline const std::string kCloses = "<closes>";

/// A server that has its turns ready: the first at once, each other one after a line of the client's.  When
/// they are all said it is silent, unless one of them closed.
class ScriptedWire : public Wire {
  public:
    explicit ScriptedWire(const std::vector<std::string>& turns) : turns_(turns.begin(), turns.end())
    {
        take_turn();
    }

    std::size_t read(std::span<char> into, Deadline /*deadline*/) override
    {
        if (pending_ == kCloses) {
            throw ConnectionLost(ExitCode::unavailable, "talking to the fake: connection lost");
        }
        const auto count = std::min(into.size(), std::min(pending_.find(kCloses), pending_.size()));
        std::copy_n(pending_.begin(), count, into.begin());
        pending_.erase(0, count);
        return count;
    }

    void write(std::string_view bytes, Deadline /*deadline*/) override
    {
        if (pending_.ends_with(kCloses))
            throw ConnectionLost(ExitCode::unavailable, "sending to the fake: broken pipe");
        sent.emplace_back(bytes);
        take_turn();
    }

    [[nodiscard]] int descriptor() const noexcept override { return -1; }

    std::vector<std::string> sent;  // what the client wrote, a write an entry

  private:
    void take_turn()
    {
        if (turns_.empty()) return;
        pending_ += turns_.front();
        turns_.pop_front();
    }

    std::deque<std::string> turns_;
    std::string pending_;
};

/// A person, or a script's input: the same list for answers and commands.
class ScriptedAnswers : public Answers {
  public:
    explicit ScriptedAnswers(const std::vector<std::string>& lines) : lines_(lines.begin(), lines.end()) {}

    Answer ask(Wanted wanted, std::string_view prompt) override
    {
        asked.emplace_back(wanted);
        prompts.emplace_back(prompt);
        return next();
    }
    Answer next_command() override { return next(); }
    Answer::Kind another_attempt() override
    {
        return lines_.empty() ? Answer::Kind::end_of_input : Answer::Kind::given;
    }

    std::vector<Wanted> asked;
    std::vector<std::string> prompts;

  private:
    Answer next()
    {
        if (lines_.empty()) return {Answer::Kind::end_of_input};
        Answer answer{Answer::Kind::given, Secret::copy_of(lines_.front())};
        lines_.pop_front();
        return answer;
    }

    std::deque<std::string> lines_;
};

/// What the client showed.
struct Shown {
    std::string results;
    std::string words;

    Display display(bool interactive)
    {
        return {[this](std::string_view text) { results += text; },
                [this](std::string_view text) { words += text; },
                {.interactive = interactive, .colour = false}};
    }
};

/// The exit code and message that `act` ends with, if it throws a Failure.
template <typename Act>
std::optional<std::pair<ExitCode, std::string>> failure_of(Act act)
{
    try {
        act();
    } catch (const Failure& failure) {
        return std::pair{failure.code(), std::string(failure.what())};
    }
    return std::nullopt;
}

}  // namespace securelogin::client
