#include "bench/load/login.hpp"

#include <utility>

#include "common/reply.hpp"

namespace securelogin::bench {
namespace asio = boost::asio;

asio::awaitable<void> be_greeted(Conversation& conversation)
{
    co_await conversation.expect(code::kGreeting);
    co_await conversation.expect(code::kUsernameWanted);
}

asio::awaitable<void> give_password(Conversation& conversation, UserNumber user)
{
    auto name = name_of(user);
    co_await conversation.send(std::move(name));
    co_await conversation.expect(code::kPasswordWanted);
    std::string password(kPassword);
    co_await conversation.send(std::move(password));
    co_await conversation.expect(code::kCodeWanted);
}

asio::awaitable<void> give_code(Conversation& conversation, std::string typed)
{
    co_await conversation.send(std::move(typed));
    co_await conversation.expect(code::kLoggedIn);
}

asio::awaitable<void> quit(Conversation& conversation)
{
    std::string command("QUIT");
    co_await conversation.send(std::move(command));
    co_await conversation.expect(code::kBye);
    co_await conversation.expect_end();
}

}  // namespace securelogin::bench
