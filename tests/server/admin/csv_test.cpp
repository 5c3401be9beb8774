#include "server/admin/import/csv.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/admin/import/import_row.hpp"

namespace securelogin::admin {
namespace {

/// `LINE: field|field`, or `LINE! fault`, of each record.
std::vector<std::string> records(std::string_view text)
{
    TextInput input(text);
    CsvReader csv(input);
    std::vector<std::string> all;
    while (csv.next()) {
        auto record = std::to_string(csv.line());
        if (csv.fault()) {
            all.push_back(record + "! " + *csv.fault());
            continue;
        }
        record += ":";
        for (std::size_t i = 0; i < csv.size(); ++i) record += (i == 0 ? " " : "|") + csv.field(i);
        all.push_back(record);
    }
    return all;
}

struct CsvCase {
    std::string name;
    std::string text;
    std::vector<std::string> records;
};

class Csv : public testing::TestWithParam<CsvCase> {};

TEST_P(Csv, IsReadRecordByRecord) { EXPECT_EQ(records(GetParam().text), GetParam().records); }

INSTANTIATE_TEST_SUITE_P(
    Rfc4180, Csv,
    testing::Values(CsvCase{"Nothing", "", {}},                                          //
                    CsvCase{"OnlyLineEnds", "\r\n\n\r\n", {}},                           //
                    CsvCase{"LineFeeds", "a,b\nc,d\n", {"1: a|b", "2: c|d"}},            //
                    CsvCase{"CarriageReturns", "a,b\r\nc,d\r\n", {"1: a|b", "2: c|d"}},  //
                    CsvCase{"NoLastLineEnd", "a,b\nc,d", {"1: a|b", "2: c|d"}},          //
                    CsvCase{"NoLastLineEndQuoted", "a,\"b\"", {"1: a|b"}},               //
                    CsvCase{"BlankLines", "\na\n\n\nb\n", {"2: a", "5: b"}},             //
                    CsvCase{"EmptyFields", ",\na,\n,b\n", {"1: |", "2: a|", "3: |b"}},   //
                    CsvCase{"Quoted", "\"a\",\"b\"\r\n", {"1: a|b"}},                    //
                    CsvCase{"QuotedEmpty", "\"\",\"\"\n", {"1: |"}},                     //
                    CsvCase{"QuotedComma", "\"a,b\",c\n", {"1: a,b|c"}},                 //
                    CsvCase{"QuotedQuote", "\"a\"\"b\",\"\"\"\"\n", {"1: a\"b|\""}},     //
                    CsvCase{"BlanksStay", " a , b \n", {"1:  a | b "}},                  //
                    CsvCase{"CarriageReturnInside", "a\rb,c\n", {"1: a\rb|c"}}),
    [](const auto& row) { return row.param.name; });

const std::string kInside = "there is a quote inside of a field that is not quoted";
const std::string kBehind = "there is text behind a closing quote";
const std::string kLong(kLongestRow, 'x');

INSTANTIATE_TEST_SUITE_P(
    Faults, Csv,
    testing::Values(
        CsvCase{"QuoteInside", "a\"b,c\nd\n", {"1! " + kInside, "2: d"}},                     //
        CsvCase{"QuoteAtTheEnd", "a\"\nd\n", {"1! " + kInside, "2: d"}},                      //
        CsvCase{"QuoteBehindBlank", "a, \"b\"\nd\n", {"1! " + kInside, "2: d"}},              //
        CsvCase{"TextBehind", "\"a\"b,c\nd\n", {"1! " + kBehind, "2: d"}},                    //
        CsvCase{"BlankBehind", "\"a\" ,c\nd\n", {"1! " + kBehind, "2: d"}},                   //
        CsvCase{"CarriageReturnBehind", "\"a\"\rb\nd\n", {"1! " + kBehind, "2: d"}},          //
        CsvCase{"NotClosed", "a\n\"b,c\nd\n", {"1: a", "2! a quote is not closed", "3: d"}},  //
        CsvCase{"LineEndInQuotes",
                "alice,\"h\nbob,\"i\"\ncarol,j\n",
                {"1! a quote is not closed", "2: bob|i", "3: carol|j"}},
        CsvCase{"OnlyAQuote", "\"", {"1! a quote is not closed"}},                  //
        CsvCase{"TooLong", kLong + "x\nd\n", {"1! it is too long", "2: d"}},        //
        CsvCase{"TooLongInAll", kLong + ",x\nd\n", {"1! it is too long", "2: d"}},  //
        CsvCase{"TooLongQuoted", "\"" + kLong + "x\"\nd\n", {"1! it is too long", "2: d"}},
        CsvCase{"TooManyFields", std::string(300, ',') + "\nd\n", {"1! it has too many fields", "2: d"}}),
    [](const auto& row) { return row.param.name; });

TEST(CsvRecord, OfTheLongestIsRead)
{
    EXPECT_EQ(records(kLong + "\n"), std::vector<std::string>{"1: " + kLong});
}

}  // namespace
}  // namespace securelogin::admin
