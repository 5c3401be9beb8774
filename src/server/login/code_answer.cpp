#include "server/login/code_answer.hpp"

namespace securelogin::login {

boost::asio::awaitable<CodeAnswer> code_answer(Peer& peer)
{
    CodeAnswer answer;
    try {
        answer.code = co_await peer.answer(Peer::Patience::answer);
    } catch (const ShuttingDown&) {
        throw;
    } catch (...) {
        answer.left = std::current_exception();
    }
    co_return answer;
}

}  // namespace securelogin::login
