// await_callback.hpp: a callback that comes from another thread, as something that a coroutine awaits.
//
// What uses it is no coroutine itself, and so safe with g++ 12
// (docs/decisions/0005-coroutines-with-gcc-12.md).
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace securelogin::login {

template <typename Result>
using Resume = std::function<void(std::exception_ptr, Result)>;

/// An awaitable that `start` completes from any thread by calling what it is given, once.  The caller goes on
/// on its own executor.
template <typename Result, typename Start>
boost::asio::awaitable<Result> await_callback(Start start)
{
    namespace asio = boost::asio;
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Result)>(
        [](auto handler, const Start& begin) {
            const auto executor = asio::get_associated_executor(handler);
            // std::function copies what it holds; a handler can only be moved.
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            begin(Resume<Result>(
                [shared, work = asio::make_work_guard(executor)](std::exception_ptr error, Result result) {
                    // Moved all the way: the thread that has failed keeps no part of what is looked at
                    // elsewhere.
                    asio::post(work.get_executor(),
                               [shared, error = std::move(error), result = std::move(result)]() mutable {
                                   (*shared)(std::move(error), std::move(result));
                               });
                }));
        },
        asio::use_awaitable, std::move(start));
}

/// What an exception says, for the operator.
[[nodiscard]] inline std::string why(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "unknown error";
    }
}

}  // namespace securelogin::login
