// bench_echo: a bare Asio echo on a Unix socket: what the verify socket is held against.
//
// As the door (src/server/verify) in all but what is done with what comes in: so many threads, an io_context
// each, connections in turn, callbacks.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;

using Protocol = asio::local::stream_protocol;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<Protocol, Executor>;

class Echo : public std::enable_shared_from_this<Echo> {
  public:
    explicit Echo(Socket socket) : socket_(std::move(socket)) {}

    void read()
    {
        socket_.async_read_some(
            asio::buffer(octets_),
            [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
                if (!error) self->write(count);
            });
    }

  private:
    void write(std::size_t count)
    {
        asio::async_write(socket_, asio::buffer(octets_.data(), count),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    Socket socket_;
    std::array<char, 2048> octets_{};
};

class Server {
  public:
    Server(const std::string& path, std::size_t threads)
        : contexts_(make_contexts(threads)), acceptor_(*contexts_.front(), Protocol::endpoint(path))
    {
        accept();
    }

    void run()
    {
        std::vector<std::jthread> others;
        for (std::size_t i = 1; i < contexts_.size(); ++i)
            others.emplace_back([this, i] { serve(*contexts_[i]); });
        serve(*contexts_.front());
    }

  private:
    using Contexts = std::vector<std::unique_ptr<asio::io_context>>;

    static Contexts make_contexts(std::size_t threads)
    {
        Contexts contexts;
        for (std::size_t i = 0; i < threads; ++i) contexts.push_back(std::make_unique<asio::io_context>(1));
        return contexts;
    }

    static void serve(asio::io_context& context)
    {
        const auto stays = asio::make_work_guard(context);
        context.run();
    }

    void accept()
    {
        auto& context = *contexts_[next_];
        next_ = (next_ + 1) % contexts_.size();
        acceptor_.async_accept(context.get_executor(),
                               [this, &context](const boost::system::error_code& error, Socket socket) {
                                   if (error) return;
                                   const auto echo = std::make_shared<Echo>(std::move(socket));
                                   asio::post(context, [echo] { echo->read(); });
                                   accept();
                               });
    }

    Contexts contexts_;
    std::size_t next_ = 0;
    asio::basic_socket_acceptor<Protocol, Executor> acceptor_;
};

}  // namespace

int main(int argc, char** argv)
{
    try {
        std::string path;
        std::size_t threads = 1;
        CLI::App app("echoes what comes over a Unix socket", "bench_echo");
        app.add_option("--socket", path)->required();
        app.add_option("--threads", threads)->required();
        CLI11_PARSE(app, argc, argv);
        std::signal(SIGPIPE, SIG_IGN);
        Server server(path, threads);
        std::cout << "ready" << std::endl;
        server.run();
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_echo: " << error.what() << '\n';
        return 1;
    }
}
