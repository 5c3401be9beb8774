// enrolment.hpp: one visit to a server to enrol, from its greeting to the recovery codes (docs/protocol.md,
// "Enrolment").
//
// As in exchange.hpp the server is not trusted to follow the protocol: what it may say at each step is
// written down in enrolment.cpp, anything else is a Failure (protocol).  The invitation goes out in answer to
// the first 330, a password in answer to 333 and a code in answer to 332, never otherwise.
//
// REQUIRES: that the server is the right one has been settled (trust.hpp).
#pragma once

#include <initializer_list>
#include <string>

#include "client/answers.hpp"
#include "client/display.hpp"
#include "client/exchange.hpp"
#include "client/failure.hpp"
#include "client/key_picture.hpp"
#include "client/server.hpp"

namespace securelogin::client {

class Enrolment {
  public:
    struct Plan {
        std::string place;  // the server, as the person named it
        Exchange::Patience patience = {};
    };

    /// All of them must outlive it.
    Enrolment(Server& server, Answers& answers, Display& display, KeyPicture& picture, Plan plan)
        : server_(server), answers_(answers), display_(display), picture_(picture), plan_(std::move(plan))
    {
    }

    /// Enrols, or throws Failure: then nothing has changed on the server, and the invitation, if it was one,
    /// still is.
    void run();

  private:
    void show_invitation();
    void choose_password();
    void prove();
    void finish(const Reply& enrolled);

    /// What was refused, and the next question: `again`, or 330 where there is none, which is a Failure.
    void go_on_after(const Reply& refused, int again, const std::string& otherwise);
    void require_another_attempt();
    void ask(Wanted wanted, std::string_view text, std::string_view verb = {});
    /// The next reply, which must be one of `codes`.  421 throws ConnectionLost.
    [[nodiscard]] Reply expect(std::initializer_list<int> codes, std::chrono::milliseconds patience);
    [[noreturn]] void interrupted_by_server();
    [[noreturn]] void give_up(ExitCode code, const std::string& why) const;

    Server& server_;
    Answers& answers_;
    Display& display_;
    KeyPicture& picture_;
    Plan plan_;
    bool refused_ = false;    // a 530 came
    bool throttled_ = false;  // a 450 came
};

}  // namespace securelogin::client
