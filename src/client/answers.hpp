// answers.hpp: where the answers to the server's questions come from.
//
// The kind of answer that is wanted follows from the server's three digits alone, so no text of its makes
// anyone send a password where a code is wanted.  One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/code_command.hpp"
#include "client/line_input.hpp"
#include "client/terminal.hpp"

namespace securelogin::client {

enum class Wanted { username, password, code, new_password, invitation };

class Answers {
  public:
    Answers() = default;
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    virtual ~Answers() = default;

    /// `prompt` says who asks for what.  A line given may be sent as it is.
    /// Throws Failure, Interrupted, std::system_error.
    [[nodiscard]] virtual Answer ask(Wanted wanted, std::string_view prompt) = 0;

    /// The next command to send, now that the person is logged in.  Throws as ask() does.
    [[nodiscard]] virtual Answer next_command() = 0;

    /// Whether there may be other answers than those that were refused: `given` (no line) if so.
    [[nodiscard]] virtual Answer::Kind another_attempt() = 0;
};

/// A person's, at a terminal: secrets without echo, a new password twice.
class TerminalAnswers : public Answers {
  public:
    /// `watch` ends a question early.  `terminal` must outlive it.
    TerminalAnswers(Terminal& terminal, Watch watch) : terminal_(terminal), watch_(std::move(watch)) {}

    [[nodiscard]] Answer ask(Wanted wanted, std::string_view prompt) override;
    [[nodiscard]] Answer next_command() override;
    [[nodiscard]] Answer::Kind another_attempt() override { return Answer::Kind::given; }

  private:
    [[nodiscard]] Answer ask_new_password(std::string_view prompt);

    Terminal& terminal_;
    Watch watch_;
};

/// A script's, one a line: answers first, commands after.  Nothing is shown.
class PipeAnswers : public Answers {
  public:
    /// `descriptor` stays its owner's.
    PipeAnswers(int descriptor, Watch watch) : lines_(descriptor), watch_(std::move(watch)) {}

    [[nodiscard]] Answer ask(Wanted wanted, std::string_view prompt) override;
    [[nodiscard]] Answer next_command() override;
    /// Waits for the next line or the end of the input.
    [[nodiscard]] Answer::Kind another_attempt() override;

  private:
    [[nodiscard]] Answer next();

    LineInput lines_;
    Watch watch_;
    std::optional<Answer> ahead_;
};

/// What the command line gave beforehand; the rest is asked of another.
class PreparedAnswers : public Answers {
  public:
    struct Prepared {
        std::optional<std::string> user = {};
        std::optional<Secret> password = {};
        std::optional<CodeCommand> code_command = {};
    };

    PreparedAnswers(Prepared prepared, std::unique_ptr<Answers> rest, Watch watch)
        : prepared_(std::move(prepared)), rest_(std::move(rest)), watch_(std::move(watch))
    {
    }

    [[nodiscard]] Answer ask(Wanted wanted, std::string_view prompt) override;
    [[nodiscard]] Answer next_command() override { return rest_->next_command(); }
    /// Where nothing is asked of the other, a second attempt would only be the first one again: no.
    [[nodiscard]] Answer::Kind another_attempt() override;

  private:
    Prepared prepared_;
    std::unique_ptr<Answers> rest_;
    Watch watch_;
};

}  // namespace securelogin::client
