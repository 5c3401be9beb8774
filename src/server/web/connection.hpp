// connection.hpp: one browser's, program's or proxy's connection: requests and answers, one after the other,
// their deadlines, and the only catch.
//
// Requests are answered by coroutines, but for the questions that proxies ask (questions.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string_view>

#include "server/net/visitor.hpp"
#include "server/web/message.hpp"
#include "server/web/questions.hpp"
#include "server/web/requests.hpp"
#include "server/web/site.hpp"
#include "server/web/worker.hpp"

namespace securelogin::web {

class Connection final : public net::Visitor {
  public:
    /// The worker must outlive this, whose thread it is on.
    Connection(Entry entry, Worker& worker, std::shared_ptr<const Site> site);

  private:
    [[nodiscard]] Reception reception() const override;
    [[nodiscard]] boost::asio::awaitable<void> attend() override;
    [[nodiscard]] boost::asio::awaitable<void> apologize(std::chrono::seconds patience) override;

    [[nodiscard]] boost::asio::awaitable<bool> await_request();
    [[nodiscard]] boost::asio::awaitable<Requests::Next> receive();
    [[nodiscard]] boost::asio::awaitable<bool> serve_one();
    [[nodiscard]] boost::asio::awaitable<Response> answer(const Request& request);
    [[nodiscard]] Response refusal_of(std::string_view path, http::status status);
    [[nodiscard]] boost::asio::awaitable<bool> send(const Response& response, const Response::Terms& terms);
    [[nodiscard]] boost::asio::awaitable<void> finish(std::chrono::seconds patience);

    Worker& worker_;
    std::shared_ptr<const Site> site_;  // of the request that is being answered
    Requests requests_;
    Questions questions_;
};

}  // namespace securelogin::web
