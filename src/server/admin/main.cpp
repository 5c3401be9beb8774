// securelogin-admin: an orderly process, the command line, the command, and what became of it.
#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <iostream>
#include <new>
#include <string_view>
#include <variant>

#include "server/admin/commands.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/options.hpp"
#include "server/admin/output.hpp"
#include "server/auth/store.hpp"
#include "server/config.hpp"
#include "server/directory_lock.hpp"
#include "server/process.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::admin {
namespace {

void prepare_process()
{
    // A database opened as descriptor 1 would be printed into.  Read-only: writing to it is an error, as it
    // should be.
    for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard) {
        if (fcntl(standard, F_GETFD) < 0)
            (void)::open("/dev/null", O_RDONLY);  // takes the lowest that is free
    }
    // A person's command on a machine that locks no memory is not worth a warning each time.
    (void)harden_process();
}

ExitCode report(ExitCode code, std::string_view what)
{
    std::cerr << "securelogin-admin: " << what << '\n';
    return code;
}

ExitCode run_and_report(const Options& options)
{
    try {
        Output output(STDOUT_FILENO);
        run(options, output);
        return ExitCode::done;
    } catch (const Failure& failure) {
        return report(failure.exit_code(), failure.what());
    } catch (const DirectoryBusy& error) {
        return report(ExitCode::try_later, error.what());
    } catch (const StartupError& error) {
        return report(ExitCode::configuration, error.what());
    } catch (const store::StoreBusy& error) {
        return report(ExitCode::try_later, error.what());
    } catch (const auth::StoreError& error) {
        return report(ExitCode::input_output, error.what());
    } catch (const std::bad_alloc&) {
        return report(ExitCode::system, "out of memory: nothing more was done");
    } catch (const std::exception& error) {
        return report(ExitCode::broken, error.what());
    }
}

}  // namespace
}  // namespace securelogin::admin

int main(int argc, char** argv)
{
    using namespace securelogin::admin;
    prepare_process();
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* const code = std::get_if<ExitCode>(&parsed)) return static_cast<int>(*code);
    return static_cast<int>(run_and_report(std::get<Options>(parsed)));
}
