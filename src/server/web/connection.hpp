// connection.hpp: one browser's, program's or proxy's connection: requests and answers, one after the other,
// their deadlines, and the only catch.
//
// Requests are answered by coroutines, but for the questions that proxies ask (guarding.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/net/visitor.hpp"
#include "server/web/guard.hpp"
#include "server/web/message.hpp"
#include "server/web/request_reader.hpp"
#include "server/web/site.hpp"
#include "server/web/worker.hpp"

namespace securelogin::web {

class Connection final : public net::Visitor {
  public:
    /// The worker must outlive this, whose thread it is on.
    Connection(Entry entry, Worker& worker, std::shared_ptr<const Site> site);

    // The worker's round has come: all that has been asked as yet is answered, in these three steps.

    void answer_questions() noexcept;
    void send_answers() noexcept;
    void read_on() noexcept;

  private:
    using Error = boost::system::error_code;

    [[nodiscard]] Reception reception() const override;
    [[nodiscard]] boost::asio::awaitable<void> attend() override;
    [[nodiscard]] boost::asio::awaitable<void> apologize(std::chrono::seconds patience) override;

    [[nodiscard]] boost::asio::awaitable<bool> await_request();
    [[nodiscard]] boost::asio::awaitable<RequestReader::Next> receive();
    [[nodiscard]] boost::asio::awaitable<bool> serve_one();
    [[nodiscard]] boost::asio::awaitable<Response> answer(const Request& request);
    [[nodiscard]] boost::asio::awaitable<bool> send(const Response& response, const Response::Terms& terms);
    void log_failure(const std::string& why);
    [[nodiscard]] boost::asio::awaitable<void> finish(std::chrono::seconds patience);

    // Questions.
    [[nodiscard]] boost::asio::awaitable<bool> serve_questions();
    template <typename Step>
    void carry_on(Step step) noexcept;
    [[nodiscard]] const Request* question() const noexcept;
    void ask();
    void append_answers();
    [[nodiscard]] GuardAnswer answer_to(const Request& question);
    void send_unsent();
    [[nodiscard]] bool wants_more();
    void read_questions();
    void end_questions(bool go_on);
    [[nodiscard]] std::shared_ptr<Connection> self();

    Worker& worker_;
    std::shared_ptr<const Site> site_;  // of the request that is being answered
    RequestReader reader_;
    std::optional<RequestReader::Next> next_;  // has been read, and is still to be answered
    std::optional<auth::TokenHash> token_;     // that next_ shows, where it is a question
    std::string unsent_;                       // answers to questions
    std::shared_ptr<const Site> asked_with_;   // what trusted_ is true of
    bool trusted_ = false;                     // the peer is a proxy of the operator's
    bool last_ = false;                        // of them has been given
    bool reads_on_ = false;                    // when all of this round have their answers
    std::function<void(bool)> over_;           // set while questions are served; told whether to go on
};

}  // namespace securelogin::web
