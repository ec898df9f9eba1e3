using System.Globalization;
using System.Text;
using System.Xml;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>JUnit XML as GitLab, Jenkins and Azure read it: a test case per gate.</summary>
internal static class JUnitReport
{
    /// <summary>Renders the results; without times, so that the same results give the same bytes.</summary>
    public static string Write(ParityReport report, IReadOnlyList<GateResult> results)
    {
        var text = new StringBuilder();
        using (var xml = XmlWriter.Create(new Utf8Text(text), new XmlWriterSettings { Indent = true, NewLineChars = "\n" }))
        {
            var tests = results.Count.ToString(CultureInfo.InvariantCulture);
            var failures = results.Count(result => !result.Passed).ToString(CultureInfo.InvariantCulture);
            xml.WriteStartElement("testsuites");
            Counts(xml, "loraops validate", tests, failures);
            xml.WriteStartElement("testsuite");
            Counts(xml, Path.GetFileName(report.Candidate), tests, failures);
            foreach (var result in results)
                Case(xml, report, result);

            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return text.Append('\n').ToString();
    }

    private static void Counts(XmlWriter xml, string name, string tests, string failures)
    {
        xml.WriteAttributeString("name", Safe(name));
        xml.WriteAttributeString("tests", tests);
        xml.WriteAttributeString("failures", failures);
        xml.WriteAttributeString("errors", "0");
        xml.WriteAttributeString("skipped", "0");
    }

    private static void Case(XmlWriter xml, ParityReport report, GateResult result)
    {
        xml.WriteStartElement("testcase");
        xml.WriteAttributeString("classname", Safe(Path.GetFileName(report.Candidate)));
        xml.WriteAttributeString("name", Safe($"{result.Gate} of {result.Output}"));
        if (!result.Passed)
        {
            xml.WriteStartElement("failure");
            xml.WriteAttributeString("type", "gate");
            xml.WriteAttributeString("message", $"{result.Gate.Metric} is {ParitySheet.Number(result.Measured)}: {ParitySheet.Margin(result)}");
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    // Output names come from strangers' models; XML 1.0 cannot hold every character at all.
    private static string Safe(string text) => string.Concat(text.Where(XmlConvert.IsXmlChar));

    private sealed class Utf8Text(StringBuilder text) : StringWriter(text, CultureInfo.InvariantCulture)
    {
        public override Encoding Encoding => Encoding.UTF8;
    }
}
