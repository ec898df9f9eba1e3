using System.Globalization;
using System.Text;
using System.Xml;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>JUnit XML as GitLab, Jenkins and Azure read it: a suite for each thing that was checked, a test case for each gate or rule.</summary>
internal static class JUnitReport
{
    private static readonly XmlWriterSettings Layout = new() { Indent = true, NewLineChars = "\n", NewLineHandling = NewLineHandling.None };
    private const int LongestName = 400;
    private const int MostBreaches = 100;

    /// <summary>Renders the checks; without times, so that the same results give the same bytes.</summary>
    public static string Write(CheckList list)
    {
        var suites = list.Suites.Select(suite => (suite.Name, Cases: Cases(suite))).ToList();
        var text = new StringBuilder();
        using (var xml = XmlWriter.Create(new Utf8Text(text), Layout))
        {
            xml.WriteStartElement("testsuites");
            Counts(xml, $"loraops {list.Command}", [.. suites.SelectMany(suite => suite.Cases)]);
            foreach (var (name, cases) in suites)
            {
                xml.WriteStartElement("testsuite");
                Counts(xml, name, cases);
                foreach (var checks in cases)
                    Case(xml, name, checks);

                xml.WriteEndElement();
            }

            xml.WriteEndElement();
        }

        return text.Append('\n').ToString();
    }

    // A rule is one test, however often it is broken: tests must be the same from run to run.
    private static List<List<Check>> Cases(CheckSuite suite) =>
        [.. suite.Checks.GroupBy(check => (check.Rule, check.Name)).Select(group => group.ToList())];

    private static Outcome Worst(List<Check> checks) => checks.Max(check => check.Outcome);

    private static void Counts(XmlWriter xml, string name, List<List<Check>> cases)
    {
        xml.WriteAttributeString("name", ReportText.Short(name, LongestName));
        Count("tests", cases.Count);
        Count("failures", cases.Count(checks => Worst(checks) == Outcome.Failed));
        Count("errors", 0);
        Count("skipped", cases.Count(checks => Worst(checks) == Outcome.Skipped));

        void Count(string attribute, int count) => xml.WriteAttributeString(attribute, count.ToString(CultureInfo.InvariantCulture));
    }

    private static void Case(XmlWriter xml, string suite, List<Check> checks)
    {
        var (worst, first) = (Worst(checks), checks.MaxBy(check => check.Outcome) ?? checks[0]);
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", ReportText.Short(suite, LongestName));
        xml.WriteAttributeString("name", ReportText.Short(first.Name, LongestName));
        switch (worst)
        {
            case Outcome.Failed:
                xml.WriteStartElement("failure");
                xml.WriteAttributeString("type", ReportText.Visible(first.Rule));
                xml.WriteAttributeString("message", Line(first));
                xml.WriteString(Lines(checks));
                xml.WriteEndElement();
                break;
            case Outcome.Skipped:
                xml.WriteStartElement("skipped");
                xml.WriteAttributeString("message", Line(first));
                xml.WriteEndElement();
                break;
            case Outcome.Warned:
                xml.WriteElementString("system-out", Lines(checks));
                break;
            case Outcome.Passed when first.What.Length > 0:
                xml.WriteElementString("system-out", Line(first));
                break;
        }

        xml.WriteEndElement();
    }

    private static string Line(Check check)
    {
        var where = check.Where.Length == 0 ? "" : $"{ReportText.Short(check.Where, LongestName)}: ";
        return where + ReportText.Short(check.Message, 4 * LongestName);
    }

    private static string Lines(List<Check> checks) => string.Join('\n', checks.Where(check => check.IsFinding).Take(MostBreaches).Select(Line)
        .Concat(checks.Count > MostBreaches ? [string.Create(CultureInfo.InvariantCulture, $"… {checks.Count - MostBreaches} more")] : []));

    private sealed class Utf8Text(StringBuilder text) : StringWriter(text, CultureInfo.InvariantCulture)
    {
        public override Encoding Encoding => Encoding.UTF8;
    }
}
