// exchange.hpp: one visit to a server, from its greeting to its farewell (docs/protocol.md, "Login" and
// "After login").
//
// The server is not trusted to follow the protocol: what it may say at each step is written down in
// exchange.cpp, anything else is a Failure (protocol).  A password goes out in answer to 331 or 333 and a
// code in answer to 332, never otherwise.  It sends nothing that was not asked for.
//
// Knows no terminal and no TLS: a test drives it with a scripted server and scripted answers.
// REQUIRES: that the server is the right one has been settled (trust.hpp).
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "client/answers.hpp"
#include "client/display.hpp"
#include "client/failure.hpp"
#include "client/server.hpp"

namespace securelogin::client {

class Exchange {
  public:
    struct Patience {
        std::chrono::milliseconds greeting = std::chrono::seconds(30);
        std::chrono::milliseconds question = std::chrono::seconds(60);
        std::chrono::milliseconds verdict = std::chrono::seconds(120);
        std::chrono::milliseconds farewell = std::chrono::seconds(5);
    };
    struct Plan {
        std::string place;  // the server, as the person named it
        std::optional<std::string> command =
            {};  // to run this one and leave, instead of those that answers has
        Patience patience = {};
    };

    /// All three must outlive it.
    Exchange(Server& server, Answers& answers, Display& display, Plan plan)
        : server_(server), answers_(answers), display_(display), plan_(std::move(plan))
    {
    }

    /// Logs in, does what is to be done, and leaves.  success: logged in, and the command (if there was one)
    /// succeeded; else how it was refused, which has been told.
    /// Throws Failure when it came to no login, and when the server leaves or breaks the protocol.
    [[nodiscard]] ExitCode run();

  private:
    void log_in();
    [[nodiscard]] Reply attempt();
    void require_another_attempt();
    void note_refusal(const Reply& reply);
    void greet(const Reply& logged_in);

    [[nodiscard]] ExitCode do_what_is_to_be_done();
    [[nodiscard]] ExitCode follow_commands();
    [[nodiscard]] ExitCode run_command(std::string_view line);
    void say_goodbye();

    /// The next reply, which must be one of `codes`.  421 throws ConnectionLost.
    [[nodiscard]] Reply expect(std::initializer_list<int> codes, std::chrono::milliseconds patience);
    void answer(const Reply& question);
    void show(const Reply& done);
    /// The server said something while it was to wait for us: only a farewell is in order.
    [[noreturn]] void interrupted_by_server();
    [[noreturn]] void input_ended() const;
    [[nodiscard]] std::string doing() const;

    Server& server_;
    Answers& answers_;
    Display& display_;
    Plan plan_;
    Secret user_;             // as it was sent: for prompts only
    bool refused_ = false;    // a 530 came, and no 230 since
    bool throttled_ = false;  // a 450 came
    bool logged_in_ = false;
    bool left_ = false;         // the server said goodbye
    bool must_change_ = false;  // nothing else can be done before there is a new password
};

}  // namespace securelogin::client
