package engine

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Prometheus writes measures in the text format of Prometheus, version 0.0.4: names have underscores in place
// of dots, and end with their unit and, for counters, with _total.
func Prometheus(all []Measure) string {
	var b strings.Builder
	for _, m := range all {
		name := prometheusName(m)
		b.WriteString("# HELP " + name + " " + escapedHelp.Replace(m.Help) + "\n")
		b.WriteString("# TYPE " + name + " " + string(m.Kind) + "\n")
		for _, p := range m.Points {
			if m.Kind == HistogramKind {
				writeBuckets(&b, name, p)
				continue
			}
			writeSample(&b, name, p.Labels, "", p.Value)
		}
	}
	return b.String()
}

var (
	escapedHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapedLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	unitNames    = map[string]string{"s": "_seconds", "By": "_bytes"}
)

func prometheusName(m Measure) string {
	name := strings.ReplaceAll(m.Name, ".", "_") + unitNames[m.Unit]
	if m.Kind == CounterKind {
		name += "_total"
	}
	return name
}

func writeBuckets(b *strings.Builder, name string, p Point) {
	for n, bound := range Bounds {
		writeSample(b, name+"_bucket", p.Labels, number(bound), float64(p.Buckets[n]))
	}
	writeSample(b, name+"_bucket", p.Labels, "+Inf", float64(p.Count))
	writeSample(b, name+"_sum", p.Labels, "", p.Value)
	writeSample(b, name+"_count", p.Labels, "", float64(p.Count))
}

// writeSample writes one line; bound is that of a bucket, or "".
func writeSample(b *strings.Builder, name string, labels map[string]string, bound string, value float64) {
	b.WriteString(name)
	pairs := make([]string, 0, len(labels)+1)
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+`="`+escapedLabel.Replace(strings.ToValidUTF8(labels[key], "\uFFFD"))+`"`)
	}
	if bound != "" {
		pairs = append(pairs, `le="`+bound+`"`)
	}
	if len(pairs) > 0 {
		b.WriteString("{" + strings.Join(pairs, ",") + "}")
	}
	b.WriteString(" " + number(value) + "\n")
}

func number(value float64) string {
	if value == math.Trunc(value) && math.Abs(value) < 1e15 {
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}
