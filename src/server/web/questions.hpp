// questions.hpp: a proxy's questions (guarding.hpp) on one connection, as long as nothing else comes on it.
//
// Answered without a coroutine, in the rounds of the connection's worker: what many ask at one moment costs
// one look at what has ended (worker.hpp).  What goes wrong ends the connection, and nothing else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/net/visitor.hpp"
#include "server/web/guarding.hpp"
#include "server/web/requests.hpp"
#include "server/web/site.hpp"
#include "server/web/worker.hpp"

namespace securelogin::web {

class Questions {
  public:
    /// All must outlive this; it must not outlive `asker`, whose part it is.
    Questions(net::Visitor& asker, Requests& requests, Worker& worker)
        : asker_(asker), requests_(requests), worker_(worker)
    {
    }

    /// From a question that has come to the first request that is none, or to the first that has not come
    /// whole: both are left there.  False: the connection ends.
    [[nodiscard]] boost::asio::awaitable<bool> serve();

    // The worker's round has come: all that has been asked as yet is answered, in these three steps.

    void answer() noexcept;
    void send() noexcept;
    void read_on() noexcept;

  private:
    template <typename Step>
    void carry_on(Step step) noexcept;
    [[nodiscard]] const Request* asked();
    void ask();
    void append_answers();
    [[nodiscard]] GuardAnswer answer_to(const Request& question);
    void send_unsent();
    [[nodiscard]] bool wants_more();
    void read();
    void end(bool go_on);
    [[nodiscard]] std::shared_ptr<Questions> self();

    net::Visitor& asker_;
    Requests& requests_;
    Worker& worker_;
    std::shared_ptr<const Site> site_;      // of this round
    bool trusted_ = false;                  // by it: the asker is a proxy of the operator's
    std::optional<auth::TokenHash> token_;  // that the next question shows
    std::string unsent_;                    // answers
    bool last_ = false;                     // of them has been given
    bool reads_on_ = false;                 // when all of this round have their answers
    std::function<void(bool)> over_;        // set while questions are served; told whether to go on
};

}  // namespace securelogin::web
