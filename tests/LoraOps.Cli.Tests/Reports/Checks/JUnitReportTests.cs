using System.Globalization;
using System.Xml.Linq;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Reports.Checks;

public sealed class JUnitReportTests
{
    // What the schema that Jenkins publishes allows, of what we use.
    private static readonly Dictionary<string, (string[] Attributes, string[] Children)> Schema = new()
    {
        ["testsuites"] = (["name", "tests", "failures", "errors", "skipped"], ["testsuite"]),
        ["testsuite"] = (["name", "tests", "failures", "errors", "skipped"], ["testcase"]),
        ["testcase"] = (["classname", "name"], ["failure", "skipped", "system-out"]),
        ["failure"] = (["type", "message"], []),
        ["skipped"] = (["message"], []),
        ["system-out"] = ([], []),
    };

    [Fact]
    public void It_is_the_verified_text() => Verified.Text(JUnitReport.Write(SampleChecks.All), "all");

    [Fact]
    public void Every_element_is_one_that_readers_know_and_the_counts_are_right()
    {
        foreach (var list in HostileNames.All.Select(SampleChecks.Named).Append(SampleProof.Failed.Checks).Append(SampleProof.Bare.Checks))
        {
            var root = XDocument.Parse(JUnitReport.Write(list)).Root!;

            Assert.Equal("testsuites", root.Name);
            foreach (var element in root.DescendantsAndSelf())
            {
                var (attributes, children) = Schema[element.Name.LocalName];
                Assert.Equal(attributes, element.Attributes().Select(attribute => attribute.Name.LocalName));
                Assert.All(element.Elements(), child => Assert.Contains(child.Name.LocalName, children));
            }

            foreach (var counted in root.DescendantsAndSelf().Where(element => element.Attribute("tests") is not null))
            {
                Assert.Equal(Count(counted, "tests"), counted.Descendants("testcase").Count());
                Assert.Equal(Count(counted, "failures"), counted.Descendants("failure").Count());
                Assert.Equal(Count(counted, "skipped"), counted.Descendants("skipped").Count());
            }

            Assert.All(root.Descendants("testsuite"), suite => Assert.Distinct(suite.Elements("testcase").Select(test => test.Attribute("name")!.Value)));
        }
    }

    private static int Count(XElement element, string name) => int.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);
}
