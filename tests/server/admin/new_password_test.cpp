#include "server/admin/new_password.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "server/admin/failure.hpp"
#include "server/descriptor.hpp"

namespace securelogin::admin {
namespace {

/// A pipe that holds `text` and nothing after it.
Descriptor holding(const std::string& text)
{
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    Descriptor reading(ends[0]);
    const Descriptor writing(ends[1]);
    if (write(writing.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        throw std::runtime_error("write");
    }
    return reading;
}

struct LineCase {
    const char* name;
    std::string input;
    std::string line;
    std::string left;  // what is still to be read afterwards
};

class ReadLine : public testing::TestWithParam<LineCase> {};

TEST_P(ReadLine, TakesOneLineAndNotAnOctetMore)
{
    const auto input = holding(GetParam().input);
    EXPECT_EQ(read_line(input.get()).view(), GetParam().line);
    std::string left(4096, '\0');
    left.resize(static_cast<std::size_t>(read(input.get(), left.data(), left.size())));
    EXPECT_EQ(left, GetParam().left);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, ReadLine,
    testing::Values(LineCase{"Lf", "secret\n", "secret", ""}, LineCase{"CrLf", "secret\r\n", "secret", ""},
                    LineCase{"EndOfInput", "secret", "secret", ""},
                    LineCase{"SecondLineStays", "one\ntwo\n", "one", "two\n"},
                    LineCase{"OnlyOneCrIsDropped", "secret\r\r\n", "secret\r", ""},
                    LineCase{"BlanksStay", "  secret \n", "  secret ", ""},
                    LineCase{"EmptyLine", "\nsecret\n", "", "secret\n"},
                    LineCase{"NulIsNoEnd", std::string("a\0b\n", 4), std::string("a\0b", 3), ""},
                    LineCase{"Longest", std::string(1024, 'x') + "\r\n", std::string(1024, 'x'), ""}),
    [](const auto& row) { return row.param.name; });

struct FailureCase {
    const char* name;
    std::string input;
    const char* says;
};

class ReadLineFails : public testing::TestWithParam<FailureCase> {};

TEST_P(ReadLineFails, AndSaysWhy)
{
    const auto input = holding(GetParam().input);
    try {
        (void)read_line(input.get());
        FAIL() << "read something";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit_code(), ExitCode::refused);
        EXPECT_NE(std::string(failure.what()).find(GetParam().says), std::string::npos) << failure.what();
    }
}

INSTANTIATE_TEST_SUITE_P(Lines, ReadLineFails,
                         testing::Values(FailureCase{"NothingAtAll", "", "empty"},
                                         FailureCase{"TooLong", std::string(1026, 'x') + "\n", "1024 octets"},
                                         FailureCase{"EndlessIsCutShort", std::string(60000, 'x'),
                                                     "1024 octets"}),
                         [](const auto& row) { return row.param.name; });

TEST(ReadLineOfNothing, IsAFailure)
{
    try {
        (void)read_line(-1);
        FAIL() << "read something";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit_code(), ExitCode::input_output);
    }
}

}  // namespace
}  // namespace securelogin::admin
